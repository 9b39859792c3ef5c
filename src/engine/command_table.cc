#include "engine/command_table.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/text.h"

namespace hearth::engine {

CommandTable::CommandTable() : slots_(kSlots) {
  for (const CommandFacts& facts : AllCommandFacts()) {
    if (facts.flags & kCommandOnlySentinel) continue;
    Command* command = Add(facts, nullptr);
    top_level_.push_back(command);
    for (const CommandFacts& subcommand : facts.subcommands)
      command->subcommands.push_back(Add(subcommand, command));
    AddName(facts.name, command->id);
  }
}

// The first key behind a number of keys (EVAL) is as good as one that stands there whatever comes before.
int CommandTable::HashedKey(const CommandFacts& facts) {
  if (facts.first_key != 0 || facts.key_specs.empty()) return facts.first_key;
  const KeySpec& spec = facts.key_specs.front();
  const bool has_place = spec.begin == BeginSearch::kIndex && spec.find == FindKeys::kKeyNum;
  return has_place ? spec.index + spec.first_key : 0;
}

Command* CommandTable::Add(const CommandFacts& facts, Command* container) {
  auto command = std::make_unique<Command>();
  command->facts = &facts;
  command->flags = facts.flags;
  command->arity = facts.arity;
  command->hashed_key = HashedKey(facts);
  command->id = static_cast<uint16_t>(commands_.size());
  command->container = container;
  commands_.push_back(std::move(command));
  return commands_.back().get();
}

// Setting bit 5 of every byte folds letters to lower case, and nothing else onto letters: two short names of
// letters are equal when their prefixes and sizes are. The full comparison settles the others.
uint64_t CommandTable::Prefix(std::string_view name) {
  const size_t size = name.size();
  uint64_t prefix = 0;
  if (size >= 8) {
    std::memcpy(&prefix, name.data(), 8);
  } else if (size >= 4) {
    // Two overlapping words make up 4 to 7 bytes without a loop.
    uint32_t low, high;
    std::memcpy(&low, name.data(), 4);
    std::memcpy(&high, name.data() + size - 4, 4);
    prefix = low | static_cast<uint64_t>(high) << (8 * (size - 4));
  } else {
    for (size_t i = 0; i < size; ++i)
      prefix |= static_cast<uint64_t>(static_cast<uint8_t>(name[i])) << (8 * i);
  }
  return prefix | 0x2020202020202020u;
}

size_t CommandTable::SlotOf(uint64_t prefix, size_t size) {
  return ((prefix ^ size) * 0x9e3779b97f4a7c15u) >> 53;
}

void CommandTable::AddName(std::string_view name, uint16_t id) {
  const std::string lower = ToLower(name);
  const uint64_t prefix = Prefix(lower);
  for (size_t i = SlotOf(prefix, lower.size());; i = (i + 1) % kSlots) {
    if (slots_[i].id != kNone) continue;
    const bool all_letters =
        std::all_of(lower.begin(), lower.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    slots_[i] = {prefix, id, lower.size() <= 8 && all_letters, lower};
    return;
  }
}

uint16_t CommandTable::FindId(std::string_view name) const {
  const uint64_t prefix = Prefix(name);
  for (size_t i = SlotOf(prefix, name.size()); slots_[i].id != kNone; i = (i + 1) % kSlots) {
    const Slot& slot = slots_[i];
    if (slot.prefix != prefix || slot.name.size() != name.size()) continue;
    if (slot.is_in_prefix || EqualsIgnoreCase(slot.name, name)) return slot.id;
  }
  return kNone;
}

Command* CommandTable::FindSubcommand(const Command& container, std::string_view name) const {
  for (Command* command : container.subcommands) {
    if (EqualsIgnoreCase(command->facts->name, name)) return command;
  }
  return nullptr;
}

Command* CommandTable::FindFull(std::string_view full_name) const {
  const size_t bar = full_name.find('|');
  Command* command = Find(full_name.substr(0, bar));
  if (command == nullptr || bar == std::string_view::npos) return command;
  return FindSubcommand(*command, full_name.substr(bar + 1));
}

void CommandTable::Bind(std::string_view full_name, Handler handler) {
  Command* command = FindFull(full_name);
  HEARTH_ASSERT(command != nullptr);
  HEARTH_ASSERT(!command->handler);
  command->handler = handler;
}

void CommandTable::Rebind(std::string_view full_name, Handler handler) {
  Command* command = FindFull(full_name);
  HEARTH_ASSERT(command != nullptr);
  HEARTH_ASSERT(command->handler);
  command->handler = handler;
}

void CommandTable::BecomeSentinel() {
  std::vector<std::pair<std::string, uint16_t>> names;
  std::vector<Command*> commands;
  for (const CommandFacts& facts : AllCommandFacts()) {
    if (!(facts.flags & kCommandSentinel)) continue;
    Command* command = Find(facts.name);
    if (command == nullptr) {
      command = Add(facts, nullptr);
      for (const CommandFacts& subcommand : facts.subcommands)
        command->subcommands.push_back(Add(subcommand, command));
    }
    std::erase_if(command->subcommands, [](const Command* one) { return !one->is(kCommandSentinel); });
    commands.push_back(command);
    names.emplace_back(facts.name, command->id);
  }
  top_level_ = std::move(commands);
  RebuildNames(names);
}

std::vector<std::pair<std::string, uint16_t>> CommandTable::Names() const {
  std::vector<std::pair<std::string, uint16_t>> names;
  for (const Slot& slot : slots_) {
    if (slot.id != kNone) names.emplace_back(slot.name, slot.id);
  }
  return names;
}

void CommandTable::RebuildNames(const std::vector<std::pair<std::string, uint16_t>>& names) {
  slots_.assign(kSlots, Slot{});
  for (const auto& [name, id] : names) AddName(name, id);
}

Status CommandTable::Rename(std::string_view name, std::string_view new_name) {
  const uint16_t id = FindId(name);
  if (id == kNone) return Fail("No such command in rename-command");
  if (!new_name.empty() && FindId(new_name) != kNone) return Fail("Target command name already exists");
  auto names = Names();
  std::erase_if(names, [&](const auto& entry) { return EqualsIgnoreCase(entry.first, name); });
  if (new_name.empty()) {
    std::erase(top_level_, commands_[id].get());
  } else {
    names.emplace_back(std::string(new_name), id);
  }
  RebuildNames(names);
  return {};
}

}  // namespace hearth::engine
