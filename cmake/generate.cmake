# Tables made from spec/ by spec/generate.py, whenever it or a spec changes. The outputs stand in build/generated;
# hearth_room adds the target hearth_generated to every room, so that headers exist before anything is compiled.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# One folder for all build folders: the tables are the same for each, and ccache can serve one build from another.
set(HEARTH_GENERATED_DIR ${CMAKE_SOURCE_DIR}/build/generated)
set(HEARTH_COMMAND_FACTS ${HEARTH_GENERATED_DIR}/engine/command_facts.cc)
set(HEARTH_DIRECTIVE_TABLE ${HEARTH_GENERATED_DIR}/settings/directive_table.cc)

file(GLOB generate_inputs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/spec/*.py ${CMAKE_SOURCE_DIR}/spec/commands/*.json
     ${CMAKE_SOURCE_DIR}/spec/config/*.json)
set(generate_outputs ${HEARTH_COMMAND_FACTS} ${HEARTH_DIRECTIVE_TABLE} ${HEARTH_GENERATED_DIR}/settings/settings.h)

# The generator leaves an output alone whose content stays the same, so the stamp tells the build when it last ran.
add_custom_command(
  OUTPUT ${HEARTH_GENERATED_DIR}/stamp
  BYPRODUCTS ${generate_outputs}
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/spec/generate.py tables ${HEARTH_GENERATED_DIR}
  COMMAND ${CMAKE_COMMAND} -E touch ${HEARTH_GENERATED_DIR}/stamp
  DEPENDS ${generate_inputs}
  COMMENT "tables from spec/")
add_custom_target(hearth_generated DEPENDS ${HEARTH_GENERATED_DIR}/stamp)
