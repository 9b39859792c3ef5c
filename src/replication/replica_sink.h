// Where the snapshot of a full sync goes when it goes to sockets at once: framed by a mark that the replica
// waits for, since nobody knows its size beforehand. Used by a SnapshotWriter on its thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "rdb/byte_sink.h"
#include "replication/replica_fanout.h"

namespace hearth::replication {

class ReplicaSink final : public rdb::ByteSink {
 public:
  // `mark` is 40 characters long, and not to be guessed.
  ReplicaSink(std::shared_ptr<ReplicaFanout> fanout, std::string mark)
      : fanout_(std::move(fanout)), mark_(std::move(mark)) {}

  Status Write(std::string_view bytes) override {
    HEARTH_TRY(Begin());
    return fanout_->Send(bytes);
  }
  Status Finish() override {
    HEARTH_TRY(Begin());
    HEARTH_TRY(fanout_->Send(mark_));
    return fanout_->Finish();
  }

 private:
  Status Begin() {
    if (std::exchange(has_begun_, true)) return {};
    return fanout_->Send("$EOF:" + mark_ + "\r\n");
  }

  const std::shared_ptr<ReplicaFanout> fanout_;
  const std::string mark_;
  bool has_begun_ = false;
};

}  // namespace hearth::replication
