# osmia_asmjit: Debian's static asmjit, fit for a shared library too. It is not compiled with -fPIC; the one thing that a
# shared library cannot take is its reference to the variable `stderr`, so a copy of it refers to osmia_asmjit_stderr
# (src/jit/common/image_builder.cpp) instead.
find_path(ASMJIT_INCLUDE asmjit/asmjit.h REQUIRED)
find_library(ASMJIT_LIBRARY asmjit REQUIRED)
add_library(osmia_asmjit INTERFACE)
if(ASMJIT_LIBRARY MATCHES "\\.a$")
  set(fixed ${CMAKE_BINARY_DIR}/third_party/libosmia_asmjit.a)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/third_party)
  execute_process(COMMAND ${CMAKE_OBJCOPY} --redefine-sym stderr=osmia_asmjit_stderr ${ASMJIT_LIBRARY} ${fixed}
                  COMMAND_ERROR_IS_FATAL ANY)
  target_link_libraries(osmia_asmjit INTERFACE ${fixed})
else()
  target_link_libraries(osmia_asmjit INTERFACE ${ASMJIT_LIBRARY})
endif()
target_include_directories(osmia_asmjit SYSTEM INTERFACE ${ASMJIT_INCLUDE})
