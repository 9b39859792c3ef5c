// Which snapshots (cuts) are running, as every structure that carries cut bits sees them: the buckets of hash
// tables, the nodes of long lists, the blocks of streams.
//
// A cut k (0..6) owns bit k of every part. The part is captured for the cut when its bit equals bit k of
// `captured`. Starting a cut flips that bit and sets bit k of `active`: one store, and every part of
// everything is uncaptured, without a visit. A new part is born captured. When the cut has walked all parts
// they are all captured again, and the bit is free for the next cut.
//
// One CutState a server, owned by the keyspace; structures hold a pointer to it. Engine thread only.
#pragma once

#include <cstdint>

namespace hearth::ds {

struct Bucket;
struct QuicklistNode;
struct StreamBlock;
struct StreamId;
class Quicklist;
class StreamLog;

// Told before a part that some cuts have not captured changes or goes. `cuts` has a bit for each of them. The
// part must be copied before the call returns; the caller marks it as captured.
class CutObserver {
 public:
  // `table` is the HashTable that owns `head`; its overflow buckets belong to it.
  virtual void CaptureBucket(const void* /*table*/, const Bucket& /*head*/, uint8_t /*cuts*/) {}
  virtual void CaptureNode(const Quicklist& /*list*/, const QuicklistNode& /*node*/, uint8_t /*cuts*/) {}
  virtual void CaptureBlock(const StreamLog& /*log*/, const StreamBlock& /*block*/, uint8_t /*cuts*/) {}
  // `entry` is a keyspace::PendingEntry of the stream with this log.
  virtual void CapturePending(const StreamLog& /*log*/, const StreamId& /*id*/, const void* /*entry*/,
                              uint8_t /*cuts*/) {}
  // A keyspace::ConsumerGroup, all captured, is about to leave its stream.
  virtual void OnGroupLeaves(const StreamLog& /*log*/, const void* /*group*/) {}
  // A node, captured by all, is about to leave its list.
  virtual void OnNodeLeaves(const Quicklist& /*list*/, const QuicklistNode& /*node*/) {}

 protected:
  ~CutObserver() = default;
};

struct CutState {
  static constexpr uint8_t kAllCuts = 0x7f;

  uint8_t active = 0;
  uint8_t captured = 0;
  CutObserver* observer = nullptr;

  // The cuts that lack a part with these bits.
  uint8_t Uncaptured(uint8_t bits) const { return (bits ^ captured) & active; }
  // The bits of a part that `cuts` have captured now.
  uint8_t WithCaptured(uint8_t bits, uint8_t cuts) const {
    return static_cast<uint8_t>((bits & ~cuts) | (captured & cuts));
  }
  // The bits of a new part.
  uint8_t NewBits() const { return captured; }
};

}  // namespace hearth::ds
