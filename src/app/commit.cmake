# Writes the header that names the git commit, and touches it only when the commit changed, so that
# a build without changes compiles nothing.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git describe --always --dirty=+ --abbrev=10 --exclude=*
                WORKING_DIRECTORY "${SOURCE}" OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "unknown")
endif()
file(CONFIGURE OUTPUT "${HEADER}" @ONLY CONTENT
"// The commit this was built from; written by the build.
#pragma once
namespace sluice::app {
inline constexpr const char* kCommit = \"@commit@\";
}
")
