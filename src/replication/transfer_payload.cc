#include "replication/transfer_payload.h"

#include <algorithm>

#include "base/assert.h"
#include "base/numbers.h"
#include "base/text.h"

namespace hearth::replication {

Result<TransferPayload> TransferPayload::Parse(std::string_view header) {
  constexpr std::string_view kMarked = "$EOF:";
  TransferPayload payload;
  if (header.starts_with('-'))
    return Fail("MASTER aborted replication with an error: " + std::string(header.substr(1)));
  if (header.starts_with(kMarked) && header.size() == kMarked.size() + kMarkBytes) {
    payload.mark_ = header.substr(kMarked.size());
    return payload;
  }
  const auto size = header.starts_with('$') ? ParseUint64(header.substr(1)) : std::nullopt;
  if (!size) {
    return Fail("Bad protocol from MASTER, the first byte is not '$' (we received " + Quote(header) +
                "), are you sure the host and port are right?");
  }
  payload.size_ = *size;
  payload.is_over_ = *size == 0;
  return payload;
}

size_t TransferPayload::Take(std::string_view bytes, std::string& dataset) {
  HEARTH_ASSERT(!is_over_);
  return size_ ? TakeSized(bytes, dataset) : TakeMarked(bytes, dataset);
}

size_t TransferPayload::TakeSized(std::string_view bytes, std::string& dataset) {
  const size_t used = static_cast<size_t>(std::min<uint64_t>(bytes.size(), *size_ - taken_));
  dataset.append(bytes.substr(0, used));
  taken_ += used;
  is_over_ = taken_ == *size_;
  return used;
}

// The last bytes are kept back while the mark may begin in them.
size_t TransferPayload::TakeMarked(std::string_view bytes, std::string& dataset) {
  const size_t kept = tail_.size();
  tail_.append(bytes);
  const size_t at = tail_.find(mark_);
  is_over_ = at != std::string::npos;
  const size_t size = is_over_ ? at : tail_.size() - std::min(tail_.size(), kMarkBytes - 1);
  dataset.append(tail_, 0, size);
  taken_ += size;
  if (is_over_) return at + kMarkBytes - kept;
  tail_.erase(0, size);
  return bytes.size();
}

}  // namespace hearth::replication
