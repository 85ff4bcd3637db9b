# The third-party libraries, all from Debian 12 packages (see docs/adr/0002-dependencies.md).
find_package(Threads REQUIRED)
set(Boost_NO_WARN_NEW_VERSIONS ON)  # the module of CMake 3.25 knows Boost up to 1.80
find_package(Boost 1.81 EXACT REQUIRED COMPONENTS json)
find_package(OpenSSL 3 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(CLI11 2 REQUIRED)
find_package(tomlplusplus 3 REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG COMPONENTS core)
find_package(pugixml 1.13 REQUIRED)
find_package(rabbitmq-c 0.11 REQUIRED CONFIG)
find_library(ARGON2 argon2 REQUIRED)  # nor does this one bring a CMake file
add_library(argon2::argon2 UNKNOWN IMPORTED)
set_target_properties(argon2::argon2 PROPERTIES IMPORTED_LOCATION "${ARGON2}")
find_library(QRCODEGENCPP qrcodegencpp REQUIRED)  # the package brings no CMake file
add_library(qrcodegen::qrcodegencpp UNKNOWN IMPORTED)
set_target_properties(qrcodegen::qrcodegencpp PROPERTIES IMPORTED_LOCATION "${QRCODEGENCPP}")
find_path(MARIADB_INCLUDE mysql.h PATH_SUFFIXES mariadb REQUIRED)  # as does this one
find_library(MARIADB_LIBRARY mariadb REQUIRED)
add_library(libmariadb::libmariadb UNKNOWN IMPORTED)
set_target_properties(libmariadb::libmariadb PROPERTIES IMPORTED_LOCATION "${MARIADB_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${MARIADB_INCLUDE}")
find_path(HIREDIS_INCLUDE hiredis/hiredis.h REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
add_library(hiredis::hiredis UNKNOWN IMPORTED)
set_target_properties(hiredis::hiredis PROPERTIES IMPORTED_LOCATION "${HIREDIS_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${HIREDIS_INCLUDE}")
if(SLUICE_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED CONFIG)
endif()
