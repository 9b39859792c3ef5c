#include "replication/replica_fanout.h"

#include <algorithm>
#include <utility>

namespace hearth::replication {
namespace {

constexpr int kMaxParts = 16;
constexpr size_t kMaxEvents = 64;
// How long to wait for sockets before looking at the time again.
constexpr int64_t kWaitMicros = 200'000;
// Nothing reports that the replies before us have left a socket.
constexpr int64_t kOpeningWaitMicros = 5'000;

}  // namespace

Result<std::unique_ptr<ReplicaFanout>> ReplicaFanout::Make(env::Clock& clock, int64_t timeout_us,
                                                           std::vector<std::shared_ptr<Receiver>> receivers) {
  auto poller = env::MakeSystemPoller();
  if (!poller) return std::unexpected(poller.error());
  return std::make_unique<ReplicaFanout>(std::move(*poller), clock, timeout_us, std::move(receivers));
}

ReplicaFanout::ReplicaFanout(std::unique_ptr<env::Poller> poller, env::Clock& clock, int64_t timeout_us,
                             std::vector<std::shared_ptr<Receiver>> receivers)
    : poller_(std::move(poller)), clock_(clock), timeout_us_(timeout_us), active_(std::move(receivers)) {
  for (const auto& receiver : std::vector(active_)) {
    receiver->progress_us_ = clock_.MonotonicMicros();
    if (!receiver->lease_->Watch(*poller_, receiver.get())) End(*receiver, Receiver::Outcome::kGone);
  }
}

Status ReplicaFanout::Send(std::string_view bytes) {
  HEARTH_TRY(CheckAny());
  const uint64_t start = end_;
  end_ += bytes.size();
  for (const auto& receiver : std::vector(active_)) {
    if (receiver->sent_bytes() == start) {
      receiver->progress_us_ = clock_.MonotonicMicros();
      SendAtOnce(*receiver, bytes);
    } else {
      SendPending(*receiver);
    }
  }
  DropSent();
  const uint64_t sent_by_all = SlowestPosition();
  if (sent_by_all < end_) {
    const uint64_t known = std::max(sent_by_all, start) - start;
    blocks_.push_back({start + known, std::string(bytes.substr(known))});
  }
  while (end_ - SlowestPosition() > kMaxPendingBytes) HEARTH_TRY(Rest(kWaitMicros));
  return CheckAny();
}

Status ReplicaFanout::Finish() {
  is_ending_ = true;
  for (const auto& receiver : std::vector(active_)) {
    if (receiver->sent_bytes() == end_) End(*receiver, Receiver::Outcome::kSent);
  }
  while (!active_.empty()) HEARTH_TRY(Rest(kWaitMicros));
  return {};
}

void ReplicaFanout::Cancel() {
  is_cancelled_.store(true, std::memory_order_relaxed);
  poller_->Wake();
}

void ReplicaFanout::SendAtOnce(Receiver& receiver, std::string_view bytes) {
  while (!bytes.empty() && receiver.outcome() == Receiver::Outcome::kSending) {
    const uint64_t before = receiver.sent_bytes();
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    if (!Write(receiver, &part, 1)) return;
    bytes.remove_prefix(receiver.sent_bytes() - before);
  }
}

void ReplicaFanout::SendPending(Receiver& receiver) {
  while (receiver.outcome() == Receiver::Outcome::kSending && receiver.sent_bytes() < end_) {
    iovec parts[kMaxParts];
    int count = 0;
    for (Block& block : blocks_) {
      if (count == kMaxParts) break;
      if (block.end() <= receiver.sent_bytes()) continue;
      const uint64_t from = std::max(receiver.sent_bytes(), block.start) - block.start;
      parts[count++] = {block.bytes.data() + from, block.bytes.size() - from};
    }
    // The rest stands in the block that is being sent.
    if (count == 0 || !Write(receiver, parts, count)) return;
  }
  if (is_ending_ && receiver.outcome() == Receiver::Outcome::kSending)
    End(receiver, Receiver::Outcome::kSent);
}

bool ReplicaFanout::Write(Receiver& receiver, iovec* parts, int count) {
  count = net::TrimParts(parts, count, receiver.lease_->most_bytes());
  size_t offered = 0;
  for (int i = 0; i < count; ++i) offered += parts[i].iov_len;
  const int64_t put = receiver.lease_->Writev(parts, count);
  if (put == -EAGAIN) return false;
  if (put < 0) {
    End(receiver, Receiver::Outcome::kGone);
    return false;
  }
  receiver.position_.store(receiver.sent_bytes() + static_cast<uint64_t>(put), std::memory_order_relaxed);
  receiver.progress_us_ = clock_.MonotonicMicros();
  return static_cast<size_t>(put) == offered;
}

Status ReplicaFanout::Rest(int64_t max_wait_us) {
  const bool is_opening = std::any_of(active_.begin(), active_.end(),
                                      [](const auto& receiver) { return !receiver->lease_->is_open(); });
  env::PollEvent events[kMaxEvents];
  poller_->Wait(events, is_opening ? std::min(kOpeningWaitMicros, max_wait_us) : max_wait_us);
  for (const auto& receiver : std::vector(active_)) SendPending(*receiver);
  LeaveLate();
  DropSent();
  if (is_cancelled_.load(std::memory_order_relaxed)) return Fail("cancelled");
  return is_ending_ ? Status() : CheckAny();
}

void ReplicaFanout::LeaveLate() {
  const int64_t now_us = clock_.MonotonicMicros();
  for (const auto& receiver : std::vector(active_)) {
    if (receiver->sent_bytes() == end_) {
      receiver->progress_us_ = now_us;
    } else if (now_us - receiver->progress_us_ > timeout_us_) {
      End(*receiver, Receiver::Outcome::kTimedOut);
    }
  }
}

void ReplicaFanout::DropSent() {
  const uint64_t sent_by_all = SlowestPosition();
  while (!blocks_.empty() && blocks_.front().end() <= sent_by_all) blocks_.pop_front();
}

void ReplicaFanout::End(Receiver& receiver, Receiver::Outcome outcome) {
  receiver.lease_->Unwatch(*poller_);
  std::erase_if(active_, [&receiver](const auto& one) { return one.get() == &receiver; });
  receiver.outcome_.store(outcome, std::memory_order_release);
}

uint64_t ReplicaFanout::SlowestPosition() const {
  uint64_t slowest = end_;
  for (const auto& receiver : active_) slowest = std::min(slowest, receiver->sent_bytes());
  return slowest;
}

Status ReplicaFanout::CheckAny() const {
  if (is_cancelled_.load(std::memory_order_relaxed)) return Fail("cancelled");
  if (active_.empty()) return Fail("no replica is left to send to");
  return {};
}

}  // namespace hearth::replication
