# Compiler settings that every target shares, and the switches the presets turn.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(SLUICE_TESTS "build the tests" ON)
option(SLUICE_FUZZ "build the libFuzzer targets (clang)" OFF)
option(SLUICE_BENCH "build the microbenchmarks" OFF)
option(SLUICE_COVERAGE "instrument for line coverage" OFF)
set(SLUICE_SANITIZE "" CACHE STRING "comma-separated sanitizers, for example address,undefined")

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SLUICE_CCACHE}")
endif()
find_program(SLUICE_MOLD mold)
if(SLUICE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                    -Wold-style-cast -Wimplicit-fallthrough -Werror)
# GCC 12 reports these inside the standard library and Boost with optimisation and sanitizers on.
add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The switches above are g++'s. Clang before 19 lacks what std::expected of libstdc++ 12 needs.
  add_compile_options(-Wno-unknown-warning-option -Wno-unused-command-line-argument
                      -Wno-overlength-strings)
endif()

if(SLUICE_SANITIZE)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
  if(SLUICE_SANITIZE MATCHES "thread")
    # ThreadSanitizer knows locks and atomics but no fences; Asio's queues lock all the same.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(SLUICE_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
if(SLUICE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
