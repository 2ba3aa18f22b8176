// A map's elements for people and for programs.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "maps/map.h"

namespace osmia::cli {

// Text: one element a paragraph, by BTF where the map has it, else bytes. Arrays leave out elements that are
// all zero when there are more than 64. Per-CPU values are listed by CPU, all-zero CPUs left out.
std::string dump_map_text(maps::Map& map, const std::string& name);
nlohmann::ordered_json dump_map_json(maps::Map& map, const std::string& name);

}  // namespace osmia::cli
