// BY and GET patterns of SORT: "weight_*" names a string key for each element, "user_*->age" a field of a
// hash, "#" the element itself. Made for one run of the command, on the engine thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ds/listpack.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {

class SortPattern {
 public:
  explicit SortPattern(std::string_view pattern);

  // False for a pattern that names the same key for every element, and so says nothing about any.
  bool has_place() const { return has_place_; }

  // What the pattern finds for an element: nothing if there is no such key or field, or it is of another
  // type. Good until the next call.
  std::optional<std::string_view> Lookup(engine::Context& ctx, std::string_view element);

 private:
  bool is_element_;
  bool has_place_;
  std::string_view prefix_;
  std::string_view suffix_;
  std::string_view field_;  // empty: the key is a string
  std::string key_;
  keyspace::IntDigits digits_;
  ds::NumberBuffer number_;
};

}  // namespace hearth::commands
