// What a snapshot takes from the keyspace: a stream of records of raw bytes, cheap to write on the engine
// thread, which a worker turns into RDB or commands.
//
//   whole:  a key with all of its value
//   begin:  a key whose value is large and follows in pieces
//   turn:   from here on that value is walked to its end
//   piece:  some parts of such a value
//   end:    that value is complete
//
// Pieces of several values may be mixed, and come in the order in which they were captured; where the order
// of the parts matters, NodeParts, BlockParts and TextPiece say where each belongs. Small encodings are in a
// record byte for byte as RDB stores them. Numbers have the host's byte order; the stream never leaves the
// process.
//
// CaptureWriter is the engine thread's. A reader may be any thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ds/quicklist_node.h"
#include "ds/scored_member.h"
#include "ds/stream_block.h"
#include "keyspace/entry.h"
#include "keyspace/field_table.h"
#include "keyspace/stream.h"

namespace hearth::keyspace {

// A run of whole records.
using CaptureChunk = std::vector<char>;

// A pending entry of a stream. Groups and consumers are known by their places in the stream's head.
struct CapturedPending {
  uint32_t group = 0;
  uint32_t consumer = 0;
  StreamId id;
  int64_t delivered_ms = 0;
  uint64_t delivery_count = 0;
};

// The places of a stream's consumers, as its head lists them.
class ConsumerPlaces {
 public:
  ConsumerPlaces() = default;
  explicit ConsumerPlaces(const Stream& stream);
  // `entry` belongs to a consumer that was there when this was made.
  CapturedPending Describe(StreamId id, const PendingEntry& entry) const;

 private:
  struct Place {
    const Consumer* who;
    uint32_t group;
    uint32_t consumer;
  };
  std::vector<Place> places_;  // by address
};

class CaptureWriter {
 public:
  // `take` gets every full chunk, and may leave memory in its place that can be used for the next one.
  explicit CaptureWriter(std::function<void(CaptureChunk&)> take) : take_(std::move(take)) {}

  // The key with its value, whatever its size.
  void Whole(int database, const Entry& entry);

  // The head of a value that follows in pieces; `value` names it until its end.
  void Begin(uint64_t value, int database, const Entry& entry);
  void Turn(uint64_t value);
  void End(uint64_t value);

  // Parts of value `value`. Consecutive calls for one value share a record.
  void Add(uint64_t value, const Field& field);
  void Add(uint64_t value, std::string_view member);
  void Add(uint64_t value, const ds::ScoredMember& member);
  void AddBlock(uint64_t value, const ds::StreamBlock& block, bool is_next);
  void AddPending(uint64_t value, const CapturedPending& pending);
  void AddNode(uint64_t value, uint64_t self, uint64_t after, const ds::QuicklistNode& node);
  void AddText(uint64_t value, uint64_t offset, std::string_view bytes);

  // Hands over what has been written so far.
  void Flush();
  // A piece is open and may be gone on with; the walker ends it when its slice does.
  void EndPiece();

 private:
  enum class Kind : uint8_t;
  friend class CaptureReader;

  void BeginRecord(Kind kind);
  void EndRecord();
  // Goes on with a piece of `value`, or begins one.
  void ContinuePiece(uint64_t value);
  void PutHead(int database, const Entry& entry);
  void PutParts(const Entry& entry);
  void Put(const void* bytes, size_t size);
  template <typename Number>
  void PutNumber(Number number) {
    Put(&number, sizeof(number));
  }
  void PutText(std::string_view text);
  void PutField(const Field& field);
  void PutScored(std::string_view member, double score);
  void PutNode(uint64_t self, uint64_t after, const ds::QuicklistNode& node);
  void PutBlock(const ds::StreamBlock& block, bool is_next);
  void PutPending(const CapturedPending& pending);
  void PutStreamHead(const Stream& stream);

  std::function<void(CaptureChunk&)> take_;
  CaptureChunk chunk_;
  size_t record_start_ = 0;
  uint64_t piece_of_ = 0;  // the value that the open record is a piece of, 0 if it is none
};

// What is said of a key before its value. Texts point into the chunk.
struct CapturedKey {
  int database = 0;
  Type type = Type::kString;
  Encoding encoding = Encoding::kRaw;
  int64_t expiry_ms = -1;   // Unix milliseconds
  uint32_t access = 0;      // as Entry::access()
  uint64_t part_count = 0;  // fields, members, nodes or blocks of the value; bytes of a text
  std::string_view key;
};

// A consumer group of a captured stream.
struct CapturedGroup {
  struct ConsumerState {
    std::string_view name;
    int64_t seen_ms;
    int64_t active_ms;
  };
  std::string_view name;
  StreamId last_id;
  int64_t entries_read = 0;
  std::vector<ConsumerState> consumers;
  // In order of id. The head comes without: whoever reads it adds them as they come
  // (CapturedStreamHead::Add).
  std::vector<CapturedPending> pending;
};

struct CapturedStreamHead {
  ds::StreamLog::Counters counters;
  std::vector<CapturedGroup> groups;

  void Add(const CapturedPending& entry) { groups[entry.group].pending.push_back(entry); }
  // After the last one: those that changed before their turn came early.
  void SortPending();
};

// Goes through the parts of a value, as they were captured. What one may call follows from type and
// encoding:
//   int string               Integer(), once
//   other strings            Text(); in a piece record, while (HasMore()) PieceOfText()
//   listpack, listpackex, intset   Text(): its bytes
//   quicklist                while (HasMore()) Node()
//   hash table of a hash     while (HasMore()) FieldAndValue()
//   hash table of a set      while (HasMore()) Text()
//   skiplist                 while (HasMore()) Scored()
//   stream                   StreamHead() first, in a whole or begin record; then while (HasMore())
//                            NextIsPending() ? Pending() : Block()
class CapturedParts {
 public:
  struct FieldParts {
    std::string_view name;
    std::string_view value;
    int64_t expiry_ms;  // -1 for none
  };
  struct ScoredParts {
    std::string_view member;
    double score;
  };
  // `self` names the node, `after` the one that it comes after; 0 for: after all that was placed before.
  // Where several come after one node, they do so in the order of their coming, each with all that comes
  // after it. The node that `after` names is captured later. In a whole record both are 0.
  struct NodeParts {
    uint64_t self;
    uint64_t after;
    bool is_plain;
    bool is_compressed;
    uint64_t size;           // of the uncompressed bytes
    std::string_view bytes;  // as stored
  };
  struct BlockParts {
    StreamId first_id;
    bool is_next;  // every block before it has come, if not in its place
    std::string_view pack;
  };
  struct TextPiece {
    uint64_t offset;
    std::string_view bytes;
  };

  explicit CapturedParts(std::string_view bytes) : bytes_(bytes) {}
  // All that is left.
  std::string_view bytes() const { return bytes_; }
  bool HasMore() const { return !bytes_.empty(); }

  int64_t Integer();
  std::string_view Text();
  TextPiece PieceOfText();
  FieldParts FieldAndValue();
  ScoredParts Scored();
  NodeParts Node();
  bool NextIsPending() const;
  BlockParts Block();
  CapturedPending Pending();
  CapturedStreamHead StreamHead();

 protected:
  template <typename Number>
  Number Take();

 private:
  std::string_view bytes_;
};

// Gets the records of a chunk in order.
class CaptureHandler {
 public:
  virtual void OnWhole(const CapturedKey& key, CapturedParts parts) = 0;
  // `parts`: the stream's head for a stream, else nothing.
  virtual void OnBegin(uint64_t value, const CapturedKey& key, CapturedParts parts) = 0;
  // What comes between this and its end was changed meanwhile. Only files care, which have one value after
  // the other.
  virtual void OnTurn(uint64_t /*value*/) {}
  virtual void OnPiece(uint64_t value, CapturedParts parts) = 0;
  virtual void OnEnd(uint64_t value) = 0;

 protected:
  ~CaptureHandler() = default;
};

void ReadCapture(const CaptureChunk& chunk, CaptureHandler& handler);

}  // namespace hearth::keyspace
