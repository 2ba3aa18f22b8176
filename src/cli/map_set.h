// Elements that a map gets before a run: `--map-set 'NAME[KEY]=VALUE'`.
#pragma once
#include <string>

#include "base/result.h"
#include "loader/object.h"

namespace osmia::cli {

// KEY and VALUE: a number (little-endian, as wide as the map says), an IPv4 or IPv6 address (network
// order), or hex bytes "hex:0a0b…"; of maps of sockets also a new one (cli/map_sockets.h). Errors: EINVAL for
// what is none of these or does not fit, ENOENT for an unknown map, and what the map answers.
// Where a value may hold a program, "/NAME" behind the number names one of the object's: it must be loaded.
Status set_map_element(const loader::LoadedObject& object, const std::string& text);

// The program that an element's text names; empty: none.
std::string program_in_element(const std::string& text);

}  // namespace osmia::cli
