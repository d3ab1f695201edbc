# Flags that every target of ours is compiled with.
add_library(netlend_options INTERFACE)
target_compile_options(netlend_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Werror
  # Designated initialisers leave out what has a default.
  -Wno-missing-field-initializers)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(netlend_options INTERFACE
    -O2 -g1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS
    -fstack-protector-strong -fstack-clash-protection -fcf-protection -flto=auto)
  target_link_options(netlend_options INTERFACE -flto=auto -O2 -Wl,-z,relro,-z,now)
endif()

# netlend_folder(TARGET FOLDER SOURCES... [USES targets...])
# The library of one folder, included by others as "FOLDER/header.hpp".
function(netlend_folder target folder)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
  add_library(${target} STATIC ${arg_SOURCES})
  set(forest "${CMAKE_BINARY_DIR}/include/${target}")
  file(MAKE_DIRECTORY "${forest}")
  file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${forest}/${folder}" SYMBOLIC)
  target_include_directories(${target} PUBLIC "${forest}")
  target_link_libraries(${target} PUBLIC ${arg_USES} lib_fmt
    PRIVATE netlend_options ${arg_PRIVATE_USES})
endfunction()

# netlend_program(NAME SOURCES... USES...): a program in build/PRESET/bin.
function(netlend_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE netlend_options ${arg_USES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  if(NETLEND_STATIC)
    # libnl's archives can look names up in shared libraries, and ld warns of each such function; we
    # call none of them.
    target_link_options(${name} PRIVATE -static-pie -Wl,--no-warnings)
  endif()
endfunction()

# netlend_test(NAME SOURCES... USES...): a Boost.Test binary. Its main (integration/support) puts it
# into namespaces of its own before the first case.
function(netlend_test name)
  if(NOT NETLEND_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE netlend_options ${arg_USES} netlend_test_support)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  # integration/count-tests reads the second one.
  set(report "${CMAKE_BINARY_DIR}/reports/${name}.xml")
  add_test(NAME ${name}
    COMMAND ${name} --color_output=no --logger=HRF,error,stdout:JUNIT,error,${report})
endfunction()
