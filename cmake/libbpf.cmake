# libbpf, statically linked, with its doors to the kernel rebound to Osmia's in-process bpf(2).
# Targets:
#   osmia_uapi        Linux 6.12's <linux/bpf.h>, <linux/btf.h>, …, whatever the system's headers are
#   osmia_libbpf_raw  libbpf as it is: talks to the real kernel (and its headers: <bpf/libbpf.h>, <bpf/bpf_helpers.h>)
#   osmia_libbpf      the same objects with the symbols of cmake/libbpf_rebound.txt renamed to osmia_rebound_*;
#                     whoever links it defines those functions (src/loader does), with libc's signatures
# Invariant: included before any warning or sanitizer option is set, so that third-party code is built without them.
# The system's libbpf serves if it is 1.4 or newer; else it is built from Debian's linux-source-6.12.

set(OSMIA_THIRD_PARTY ${CMAKE_SOURCE_DIR}/build/third_party)
set(OSMIA_LINUX_SOURCE /usr/src/linux-source-6.12.tar.xz CACHE FILEPATH "Debian's kernel source package")

find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBELF REQUIRED libelf)
pkg_check_modules(ZLIB REQUIRED zlib)
pkg_check_modules(SYSTEM_LIBBPF QUIET "libbpf>=1.4")

# Are the system's own kernel headers new enough (6.12's bpf.h, told by its last enumerators)?
include(CheckCXXSourceCompiles)
set(osmia_system_libbpf "")
if(SYSTEM_LIBBPF_FOUND)
  find_library(OSMIA_SYSTEM_LIBBPF_A libbpf.a HINTS ${SYSTEM_LIBBPF_LIBDIR} ${SYSTEM_LIBBPF_LIBRARY_DIRS})
  set(CMAKE_REQUIRED_INCLUDES ${SYSTEM_LIBBPF_INCLUDEDIR})
  check_cxx_source_compiles("#include <linux/bpf.h>
    int main() { return BPF_TCP_BOUND_INACTIVE + BPF_FIB_LOOKUP_MARK + BPF_F_TOKEN_FD; }" OSMIA_SYSTEM_UAPI_IS_6_12)
  unset(CMAKE_REQUIRED_INCLUDES)
  if(OSMIA_SYSTEM_LIBBPF_A AND OSMIA_SYSTEM_UAPI_IS_6_12)
    set(osmia_system_libbpf ${OSMIA_SYSTEM_LIBBPF_A})
  endif()
endif()

add_library(osmia_uapi INTERFACE)
if(osmia_system_libbpf)
  message(STATUS "libbpf: the system's, ${SYSTEM_LIBBPF_VERSION}")
  add_library(osmia_libbpf_raw STATIC IMPORTED GLOBAL)
  set_target_properties(osmia_libbpf_raw PROPERTIES IMPORTED_LOCATION ${osmia_system_libbpf})
  set(OSMIA_LIBBPF_INCLUDE ${SYSTEM_LIBBPF_INCLUDEDIR})
  set(raw_file ${osmia_system_libbpf})
else()
  message(STATUS "libbpf: from ${OSMIA_LINUX_SOURCE}")
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/scripts/linux-source ${OSMIA_THIRD_PARTY} ${OSMIA_LINUX_SOURCE}
                  RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "libbpf's sources could not be unpacked; `scripts/deps` installs what is missing")
  endif()
  set(tools ${OSMIA_THIRD_PARTY}/linux-6.12/tools)
  file(STRINGS ${tools}/lib/bpf/Build objects)
  string(REGEX MATCHALL "[a-z_]+\\.o" objects "${objects}")
  list(TRANSFORM objects REPLACE "^(.*)\\.o$" "${tools}/lib/bpf/\\1.c")
  set(arch x86)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(arch arm64)
  endif()
  add_library(osmia_libbpf_raw STATIC EXCLUDE_FROM_ALL ${objects})
  target_include_directories(osmia_libbpf_raw PRIVATE
    ${tools}/lib/bpf ${tools}/include ${tools}/include/uapi ${tools}/arch/${arch}/include ${OSMIA_THIRD_PARTY}/include/bpf)
  target_compile_definitions(osmia_libbpf_raw PRIVATE _GNU_SOURCE _LARGEFILE64_SOURCE _FILE_OFFSET_BITS=64)
  target_compile_options(osmia_libbpf_raw PRIVATE -std=gnu89 -O2 -w -fPIC -fvisibility=hidden)
  set(OSMIA_LIBBPF_INCLUDE ${OSMIA_THIRD_PARTY}/include)
  set(raw_file $<TARGET_FILE:osmia_libbpf_raw>)
  target_include_directories(osmia_uapi SYSTEM INTERFACE ${OSMIA_THIRD_PARTY}/uapi)
endif()
target_include_directories(osmia_libbpf_raw SYSTEM INTERFACE ${OSMIA_LIBBPF_INCLUDE})
target_link_libraries(osmia_libbpf_raw INTERFACE osmia_uapi ${LIBELF_LINK_LIBRARIES} ${ZLIB_LINK_LIBRARIES})

# The rebound copy.
set(rebound ${CMAKE_BINARY_DIR}/third_party/libosmia_bpf.a)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/third_party)
add_custom_command(OUTPUT ${rebound}
  # Large-file names first become the plain ones: on 64-bit machines they are the same functions.
  COMMAND ${CMAKE_OBJCOPY} --redefine-sym mmap64=mmap --redefine-sym fcntl64=fcntl
          --redefine-sym fopen64=fopen ${raw_file} ${rebound}
  COMMAND ${CMAKE_OBJCOPY} --redefine-syms=${CMAKE_SOURCE_DIR}/cmake/libbpf_rebound.txt ${rebound}
  DEPENDS osmia_libbpf_raw ${raw_file} ${CMAKE_SOURCE_DIR}/cmake/libbpf_rebound.txt
  COMMENT "Rebinding libbpf to the in-process bpf(2)" VERBATIM)
add_custom_target(osmia_libbpf_rebound DEPENDS ${rebound})
add_library(osmia_libbpf STATIC IMPORTED GLOBAL)
set_target_properties(osmia_libbpf PROPERTIES IMPORTED_LOCATION ${rebound})
add_dependencies(osmia_libbpf osmia_libbpf_rebound)
target_include_directories(osmia_libbpf SYSTEM INTERFACE ${OSMIA_LIBBPF_INCLUDE})
target_link_libraries(osmia_libbpf INTERFACE osmia_uapi ${LIBELF_LINK_LIBRARIES} ${ZLIB_LINK_LIBRARIES})
