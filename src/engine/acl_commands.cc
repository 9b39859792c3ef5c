#include "engine/acl_commands.h"

#include "base/assert.h"
#include "base/text.h"

namespace hearth::engine {

const Command* AclCommands::Find(std::string_view full_name) const {
  for (const auto& command : table_.all()) {
    if (EqualsIgnoreCase(command->full_name(), full_name)) return command.get();
  }
  return nullptr;
}

std::optional<uint32_t> AclCommands::FindCategory(std::string_view name) {
  for (size_t i = 0; i < kAclCategoryNames.size(); ++i) {
    if (EqualsIgnoreCase(kAclCategoryNames[i], name)) return 1u << i;
  }
  return std::nullopt;
}

CommandSet AclCommands::WithSubcommands(const Command& command) {
  CommandSet set;
  HEARTH_ASSERT(command.id < kMaxAclCommands);
  set.set(command.id);
  for (const Command* subcommand : command.subcommands) {
    HEARTH_ASSERT(subcommand->id < kMaxAclCommands);
    set.set(subcommand->id);
  }
  return set;
}

CommandSet AclCommands::InCategory(uint32_t category) const {
  CommandSet set;
  for (const Command* command : ListCategory(category)) set |= WithSubcommands(*command);
  return set;
}

std::vector<const Command*> AclCommands::ListCategory(uint32_t category) const {
  std::vector<const Command*> found;
  for (const auto& command : table_.all()) {
    if ((command->facts->acl_categories & category) != 0) found.push_back(command.get());
  }
  return found;
}

}  // namespace hearth::engine
