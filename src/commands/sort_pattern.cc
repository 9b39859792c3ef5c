#include "commands/sort_pattern.h"

#include "keyspace/hash_value.h"

namespace hearth::commands {

SortPattern::SortPattern(std::string_view pattern) : is_element_(pattern == "#") {
  const size_t place = pattern.find('*');
  has_place_ = place != std::string_view::npos;
  if (!has_place_) return;
  prefix_ = pattern.substr(0, place);
  suffix_ = pattern.substr(place + 1);
  // An arrow with nothing behind it is a part of the key's name.
  const size_t arrow = suffix_.find("->");
  if (arrow == std::string_view::npos || arrow + 2 == suffix_.size()) return;
  field_ = suffix_.substr(arrow + 2);
  suffix_ = suffix_.substr(0, arrow);
}

std::optional<std::string_view> SortPattern::Lookup(engine::Context& ctx, std::string_view element) {
  if (is_element_) return element;
  if (!has_place_) return std::nullopt;
  key_.assign(prefix_).append(element).append(suffix_);
  const engine::Entry* entry = ctx.FindForRead(engine::Key(key_));
  if (entry == nullptr) return std::nullopt;
  if (field_.empty()) {
    if (entry->type() != engine::Type::kString) return std::nullopt;
    return keyspace::StringText(*entry, digits_);
  }
  if (entry->type() != engine::Type::kHash) return std::nullopt;
  const auto value = keyspace::HashReader(*entry, ctx.keyspace()).Get(field_);
  if (!value) return std::nullopt;
  return value->View(number_);
}

}  // namespace hearth::commands
