#include "replication/writer_pacing.h"

#include <utility>

namespace hearth::replication {

bool WriterPacing::Step(int64_t now_ms, const Place& place, int64_t budget_ms) {
  if (rests_) rested_ms_ += now_ms - stepped_ms_;
  stepped_ms_ = now_ms;
  if (std::exchange(seen_progress_, place.progress) != place.progress || moved_ms_ == 0) moved_ms_ = now_ms;
  if (place.allowed == 0 || place.used < place.allowed / 4) {
    rests_ = has_given_up_ = has_told_ = is_news_ = false;
    rested_ms_ = 0;
    return false;
  }
  // Room is left for what is written before the next look, and for the coarse steps in which the disk
  // forgets.
  const uint64_t begin = place.allowed - place.allowed / 4;
  const uint64_t end = begin - place.allowed / 64;
  const bool must_rest = place.used >= (rests_ ? end : begin);
  if (must_rest && (rested_ms_ >= budget_ms || now_ms - moved_ms_ > kStillMs)) has_given_up_ = true;
  rests_ = must_rest && !has_given_up_;
  if (rests_ && !std::exchange(has_told_, true)) is_news_ = true;
  return rests_;
}

bool WriterPacing::TakeNews() { return std::exchange(is_news_, false); }

}  // namespace hearth::replication
