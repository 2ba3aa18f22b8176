// What libosmia.so shows: only what carries OSMIA_API.
#pragma once
#if defined(__GNUC__)
#define OSMIA_API __attribute__((visibility("default")))
#else
#define OSMIA_API
#endif
