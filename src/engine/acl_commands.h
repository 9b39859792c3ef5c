// Commands as ACL rules name them: by their own names, whatever rename-command made of those, and by
// category. A view of a CommandTable, cheap to make; the table outlives it.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/command_table.h"

namespace hearth::engine {

// More than a table ever holds. Bits beyond its commands stand for those of later versions.
inline constexpr size_t kMaxAclCommands = 1024;
using CommandSet = std::bitset<kMaxAclCommands>;

class AclCommands {
 public:
  explicit AclCommands(const CommandTable& table) : table_(table) {}

  // "get" or "config|get", any case; null if there is none.
  const Command* Find(std::string_view full_name) const;
  // The AclCategory bit of a name without its '@', any case.
  static std::optional<uint32_t> FindCategory(std::string_view name);
  // The command and all of its subcommands.
  static CommandSet WithSubcommands(const Command& command);
  // All that a rule for the category is about: a container takes its subcommands along.
  CommandSet InCategory(uint32_t category) const;
  // Those whose own facts have the category, containers and subcommands alike.
  std::vector<const Command*> ListCategory(uint32_t category) const;

 private:
  const CommandTable& table_;
};

}  // namespace hearth::engine
