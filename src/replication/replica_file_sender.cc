#include "replication/replica_file_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/memory.h"

namespace hearth::replication {
namespace {

constexpr uint64_t kBlockBytes = 256 << 10;

}  // namespace

ReplicaFileSender::ReplicaFileSender(std::unique_ptr<env::File> file, std::shared_ptr<ReplicaFanout> fanout,
                                     std::function<void()> on_done)
    : file_(std::move(file)),
      fanout_(std::move(fanout)),
      on_done_(std::move(on_done)),
      thread_([this] { Run(); }) {}

ReplicaFileSender::~ReplicaFileSender() {
  fanout_->Cancel();
  thread_.join();
}

void ReplicaFileSender::Run() {
  const ThreadMemoryScope counted;
  status_ = Send();
  is_done_.store(true, std::memory_order_release);
  on_done_();
}

Status ReplicaFileSender::Send() {
  const Result<uint64_t> size = file_->Size();
  if (!size) return std::unexpected(size.error());
  HEARTH_TRY(fanout_->Send(fmt::format("${}\r\n", *size)));
  std::string block;
  for (uint64_t sent = 0; sent < *size; sent += block.size()) {
    block.resize(std::min(kBlockBytes, *size - sent));
    const Result<size_t> got = file_->ReadAt(sent, block);
    if (!got) return std::unexpected(got.error());
    if (*got != block.size()) return Fail("the snapshot has become shorter: " + file_->path());
    HEARTH_TRY(fanout_->Send(block));
  }
  return fanout_->Finish();
}

}  // namespace hearth::replication
