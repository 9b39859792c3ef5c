// Hands on the stream of our primary: the bytes of every request that has been applied go to our own write
// log as they came, for our replicas and the append-only file. A transaction goes there once it is complete,
// so that the log's end is a place at which the stream may be gone on with.
//
// Owned by the primary link; engine thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "engine/client.h"
#include "engine/command_table.h"
#include "log/effect_writer.h"
#include "log/write_log.h"
#include "net/batch.h"

namespace hearth::replication {

class StreamLog {
 public:
  StreamLog(const engine::CommandTable& commands, log::WriteLog& log, log::EffectWriter& effects);

  // A stream begins at the log's end.
  void Begin();
  // A request of the stream has run.
  void AfterRequest(const engine::Client& client, net::Batch& batch, size_t index);
  // The stream has ended: what was applied of its last batch is logged, an open transaction is forgotten.
  void End(const engine::Client& client);

  // The primary has asked how far we are since the last call.
  bool TakeAckWish() { return std::exchange(wants_ack_, false); }
  // Of a transaction that is not complete.
  size_t open_bytes() const { return transaction_.size(); }

 private:
  void Flush(const engine::Client& client);

  log::WriteLog& log_;
  log::EffectWriter& effects_;
  const uint16_t ping_;
  const uint16_t replconf_;
  std::string_view run_;  // of adjacent requests in the present batch, not logged yet
  std::string transaction_;
  bool wants_ack_ = false;
};

}  // namespace hearth::replication
