# iommusim_sources(a.c b.c ...): add the folder's files to the core library. One flat list a folder.
function(iommusim_sources)
	foreach(file IN LISTS ARGN)
		target_sources(iommusim_core PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${file})
	endforeach()
endfunction()

# iommusim_test(name files...): one Check program, run as one ctest test with the name.
function(iommusim_test name)
	add_executable(test_${name} ${ARGN})
	target_link_libraries(test_${name} PRIVATE iommusim_core iommusim_flags PkgConfig::CHECK)
	target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
	target_compile_definitions(test_${name} PRIVATE
		TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data" SOURCE_DIR="${PROJECT_SOURCE_DIR}")
	add_test(NAME ${name} COMMAND test_${name})
	set_tests_properties(${name} PROPERTIES ENVIRONMENT "CK_FORK=no" TIMEOUT 600)
endfunction()
