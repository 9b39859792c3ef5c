#include "engine/effects.h"

namespace hearth::engine {

void Effects::Flush() {
  if (effects_.empty()) return;
  const bool is_unit = effects_.size() > 1;
  if (is_unit) sink_->BeginUnit();
  std::vector<std::string_view> views;
  for (const Effect& effect : effects_) {
    views.assign(effect.args.begin(), effect.args.end());
    sink_->Append(effect.database, views);
  }
  if (is_unit) sink_->EndUnit();
  effects_.clear();
}

}  // namespace hearth::engine
