#include "engine/effects.h"

#include <utility>

namespace hearth::engine {

bool Effects::Flush() {
  if (effects_.empty()) return std::exchange(has_passed_on_, false);
  const bool is_unit = effects_.size() > 1;
  if (is_unit) sink_->BeginUnit();
  std::vector<std::string_view> views;
  for (const Effect& effect : effects_) {
    views.assign(effect.args.begin(), effect.args.end());
    sink_->Append(effect.database, views);
  }
  if (is_unit) sink_->EndUnit();
  effects_.clear();
  has_passed_on_ = false;
  return true;
}

}  // namespace hearth::engine
