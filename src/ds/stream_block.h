// One block of a stream: a listpack of entries, byte for byte what Redis 7 keeps and RDB stores.
//
//   master entry:  count | deleted | field count n | field 1 ... field n | 0
//   entry:         flags | ms delta | seq delta | fields and values | elements of this entry before this one
//
// Ids are deltas to the block's first id, which is its key in the stream's index. The fields and values are
// "value 1 ... value n" if the flags say that the fields are the master entry's, else "m | field 1 | value 1
// | ... | value m". A deleted entry keeps its place, with a flag.
//
// Blocks belong to a StreamLog (stream_log.h), which keeps each as a StoredStreamBlock under its first id and
// shows it to others as a StreamBlock. Engine thread only. Reading trusts the bytes: foreign ones pass
// ValidateStreamBlock first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ds/listpack.h"
#include "ds/stream_id.h"

namespace hearth::ds {

// A block as readers see it: a value, good until the block changes.
struct StreamBlock {
  const uint8_t* pack;  // a listpack
  StreamId first_id;

  ListpackView View() const { return ListpackView(pack); }
};

// What a log keeps of a block: all but the first id, which stands in its index already.
struct StoredStreamBlock {
  uint8_t* pack;         // malloc'ed listpack
  uint8_t cut_bits = 0;  // see cut_state.h

  ListpackView View() const { return ListpackView(pack); }
  StreamBlock With(StreamId first_id) const { return {pack, first_id}; }

  // A block with the master entry alone, for entries with these fields (of `pairs`, fields and values in
  // turn).
  static StoredStreamBlock* New(std::span<const std::string_view> pairs, size_t reserve_bytes);
  static StoredStreamBlock* Adopt(Listpack pack);
  StoredStreamBlock* Clone() const;
  static void Delete(StoredStreamBlock* block);

  // Adds an entry behind the others.
  void Append(StreamId first_id, StreamId id, std::span<const std::string_view> pairs);
  // Gives back what the listpack has to spare: no more entries will come.
  void Shrink();
};

// What stands in the master entry.
struct StreamBlockHeader {
  using Position = ListpackView::Position;

  explicit StreamBlockHeader(ListpackView pack);

  int64_t count;    // entries that are not deleted
  int64_t deleted;  // those that are
  size_t field_count;
  Position fields;      // the first of them; the terminator if there are none
  Position terminator;  // the 0 behind the fields
};

// Counts `removed` more entries as deleted.
void MarkStreamEntriesDeleted(StoredStreamBlock& block, int64_t removed);

// Stands on one entry of a block and walks in both directions, over deleted entries too.
class StreamBlockCursor {
 public:
  using Position = ListpackView::Position;

  StreamBlockCursor() : pack_(nullptr) {}
  explicit StreamBlockCursor(const StreamBlock& block);

  // Each gives false, and leaves the cursor on no entry, if there is none.
  bool ToFirst() { return ReadEntry(pack_.Next(terminator_)); }
  bool ToLast() { return ReadBackward(pack_.Last()); }
  bool Next();
  bool Previous() { return ReadBackward(pack_.Previous(entry_)); }

  StreamId id() const { return id_; }
  bool is_deleted() const { return (flags_ & kDeleted) != 0; }
  size_t field_count() const { return field_count_; }
  // Sets the entry's flag where it stands. The header's counts are the caller's.
  void MarkDeleted(StoredStreamBlock& block);

  // `visit(const ListpackValue& field, const ListpackValue& value)`.
  template <typename Visit>
  void ForEachField(Visit&& visit);

  static constexpr int64_t kDeleted = 1;
  static constexpr int64_t kSameFields = 2;

 private:
  bool ReadEntry(Position at);
  bool ReadBackward(Position element_count_at);

  ListpackView pack_;
  StreamId first_id_;
  size_t master_field_count_ = 0;
  Position master_fields_ = 0;
  Position terminator_ = 0;

  Position entry_ = 0;   // its flags
  Position fields_ = 0;  // its first field or value, or the element count if it has none
  Position end_ = 0;     // its element count, once somebody has walked there; else 0
  StreamId id_;
  int64_t flags_ = 0;
  size_t field_count_ = 0;
};

template <typename Visit>
void StreamBlockCursor::ForEachField(Visit&& visit) {
  Position at = fields_;
  if (flags_ & kSameFields) {
    Position field = master_fields_;
    for (size_t i = 0; i < field_count_; ++i) {
      visit(pack_.Get(field), pack_.Get(at));
      field = pack_.Next(field);
      at = pack_.Next(at);
    }
  } else {
    for (size_t i = 0; i < field_count_; ++i) {
      const Position value = pack_.Next(at);
      visit(pack_.Get(at), pack_.Get(value));
      at = pack_.Next(value);
    }
  }
  end_ = at;
}

// True if `raw` is a well-formed block that holds at least one entry, a deleted one perhaps; counts and
// lengths included. Safe on arbitrary bytes.
bool ValidateStreamBlock(std::string_view raw);

}  // namespace hearth::ds
