# sluice_room(NAME SOURCES … [USES …] [EXPOSES …] [TESTS …]): a room is one library. A room sees
# only the rooms it names: each is reached through a folder of its own that holds a link to it, so
# that `#include "store/record.h"` fails to compile outside the rooms that may use store.
#   USES     libraries of the implementation (private)
#   EXPOSES  libraries its public headers include (public)
#   TESTS    unit tests beside the code, built into one test program of the room
include(GoogleTest)

function(sluice_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;EXPOSES;TESTS;TEST_USES" ${ARGN})
  set(library sluice_${name})
  set(door "${PROJECT_BINARY_DIR}/rooms/${name}")
  file(MAKE_DIRECTORY "${door}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${door}/${name}" SYMBOLIC)

  add_library(${library} STATIC ${ROOM_SOURCES})
  add_library(sluice::${name} ALIAS ${library})
  target_include_directories(${library} PUBLIC "${door}")
  target_link_libraries(${library} PUBLIC ${ROOM_EXPOSES} PRIVATE ${ROOM_USES})

  if(SLUICE_TESTS AND ROOM_TESTS)
    add_executable(${name}_tests ${ROOM_TESTS})
    target_link_libraries(${name}_tests PRIVATE ${library} ${ROOM_USES} ${ROOM_TEST_USES}
                                                GTest::gmock_main)
    gtest_discover_tests(${name}_tests TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60
                         DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
  endif()
endfunction()
