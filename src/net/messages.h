// What the two sides of a connection tell each other: the engine on its thread, the I/O side on the thread of
// the loop that the connection is attached to. Between two threads the messages travel through SpscQueues
// (io_worker.h).
#pragma once

#include <cstdint>

#include "net/batch.h"
#include "resp/output_buffer.h"

namespace hearth::net {

// From the I/O side to the engine.
struct UpMessage {
  enum class Kind : uint8_t {
    kBatch,       // the connection's batch is ready
    kPeerClosed,  // the peer has stopped sending; a batch sent before this may be waiting for something
    kDrained,     // NotifyWhenUnsentBelow
    kClosed,      // the socket is closed; the last message about it until kRelease
    kDetached,    // the loop has let go of it
  };
  Kind kind = Kind::kBatch;
  Connection* connection = nullptr;
  Batch* batch = nullptr;
  resp::Chunk* sent_chunks = nullptr;  // emptied by this side, for the engine to fill again
};

// What the engine asks of the I/O side; bits, gathered over a turn.
enum EngineWish : uint32_t {
  kBatchDone = 1,
  kCloseAfterReply = 2,
  kCloseNow = 4,
  kPauseReading = 8,
  kResumeReading = 16,
  kRelease = 32,  // the engine has let go of the connection: delete it
  kAttach = 64,   // adopt it into this loop
  kDetach = 128,  // let go of it, for another loop
  kLend = 256,    // somebody else writes to the socket once what is pending has gone
  kTakeBack = 512,
};

// From the engine to the I/O side: bits of EngineWish, and what is to be written.
struct DownMessage {
  Connection* connection = nullptr;
  uint32_t wishes = 0;
  resp::OutputBuffer::Chain chain;
};

class IoUpstream {
 public:
  virtual ~IoUpstream() = default;
  // Once per batch.
  virtual void Push(const UpMessage& message) = 0;
};

}  // namespace hearth::net
