# Build options. `./x` sets them through the presets; see CMakePresets.json.
option(HEARTH_TESTS "build the unit tests" ON)
set(HEARTH_TEST_ROOMS "" CACHE STRING "rooms whose unit tests are built, empty for all")
option(HEARTH_FUZZ "build the libFuzzer targets (clang only)" OFF)
set(HEARTH_SANITIZE "" CACHE STRING "comma separated -fsanitize list, empty for none")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  # Debug information names the build folder; builds may share objects all the same, and so may checkouts.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE_PROGRAM})
endif()

# Frame pointers cost next to nothing and make profiles and crash reports readable.
add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -fno-omit-frame-pointer -g)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++'s own std::stable_sort uses what it has marked as deprecated.
  add_compile_options(-Wno-deprecated-declarations)
endif()
# Debug information stays small enough for two cores to link: -g1 in release keeps line tables.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-Og")

if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  # Every x86-64 server of the last decade has these; the hash kernels and bit scans use them.
  add_compile_options(-msse4.2 -mpopcnt)
endif()

if(HEARTH_SANITIZE)
  # Reports name lines, and nobody steps through these builds: -g1 saves a seventh of their time.
  add_compile_options(-g1 -fsanitize=${HEARTH_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HEARTH_SANITIZE})
  add_compile_definitions(HEARTH_SANITIZED=1)
endif()

if(HEARTH_FUZZ)
  # Coverage feedback for libFuzzer in every room; the targets themselves link the driver.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
