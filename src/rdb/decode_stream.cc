// Streams: the blocks of entries, the counters, and the consumer groups with what is pending in them.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "ds/stream_block.h"
#include "keyspace/stream.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::StreamId;
using keyspace::Consumer;
using keyspace::ConsumerGroup;
using keyspace::Stream;

constexpr size_t kIdBytes = 16;

StreamId IdFrom(const char* bytes) { return {LoadBig64(bytes), LoadBig64(bytes + 8)}; }

bool ReadRawId(Reader& reader, StreamId* id) {
  char bytes[kIdBytes];
  if (!reader.ReadBytes(bytes, sizeof(bytes))) return false;
  *id = IdFrom(bytes);
  return true;
}

bool ReadId(Reader& reader, StreamId* id) {
  return reader.ReadLength(&id->ms) && reader.ReadLength(&id->seq);
}

// One entry of a group's list of pending ones, until its consumer is known.
struct Delivery {
  StreamId id;
  int64_t delivered_ms = 0;
  uint64_t count = 0;
  bool is_taken = false;
};

class StreamDecoder {
 public:
  StreamDecoder(Reader& reader, ValueType type, const DecodeContext& context)
      : reader_(reader),
        has_counters_(type != ValueType::kStreamListpacks),
        has_active_times_(type == ValueType::kStreamListpacks3),
        stream_(std::make_unique<Stream>(context.cuts)) {}

  bool Decode() {
    if (!ReadBlocks() || !ReadCounters()) return false;
    uint64_t count = 0;
    if (!reader_.ReadCount(&count, 5)) return false;
    for (; count > 0; --count) {
      if (!ReadGroup()) return false;
    }
    return true;
  }
  Stream* Release() { return stream_.release(); }

 private:
  bool ReadBlocks() {
    uint64_t count = 0;
    if (!reader_.ReadCount(&count, 1 + kIdBytes + 1)) return false;
    for (; count > 0; --count) {
      std::string_view key;
      if (!reader_.ReadString(&key)) return false;
      if (key.size() != kIdBytes) return reader_.Fail("the key of a stream's block is no id");
      const StreamId first_id = IdFrom(key.data());
      const auto last = stream_->log.blocks().Last();
      if (last && first_id <= stream_->log.blocks().IdAt(last)) {
        return reader_.Fail("the blocks of a stream are not in order");
      }
      std::string_view raw;
      if (!reader_.ReadString(&raw)) return false;
      if (!ds::ValidateStreamBlock(raw)) return reader_.Fail("a block of a stream is broken");
      // XTRIM MINID leaves a block of nothing but deleted entries, if its last had been deleted before.
      stream_->log.AddBlock(first_id, Listpack::Copy(raw));
      if (!CheckLastBlock()) return reader_.Fail("the entries of a stream are not in order");
    }
    return true;
  }

  // The ids of entries that are not deleted ascend, from block to block too. Counts them.
  bool CheckLastBlock() {
    const auto& blocks = stream_->log.blocks();
    const auto at = blocks.Last();
    ds::StreamBlockCursor cursor(blocks.ValueAt(at));
    for (bool is_there = cursor.ToFirst(); is_there; is_there = cursor.Next()) {
      if (cursor.is_deleted()) continue;
      if (cursor.id() < blocks.IdAt(at) || (live_count_ > 0 && cursor.id() <= last_live_id_)) return false;
      if (live_count_++ == 0) first_live_id_ = cursor.id();
      last_live_id_ = cursor.id();
    }
    return true;
  }

  bool ReadCounters() {
    ds::StreamLog::Counters counters;
    if (!reader_.ReadLength(&counters.length) || !ReadId(reader_, &counters.last_id)) return false;
    if (has_counters_) {
      if (!ReadId(reader_, &counters.first_id) || !ReadId(reader_, &counters.max_deleted_id) ||
          !reader_.ReadLength(&counters.entries_added)) {
        return false;
      }
    } else {
      counters.entries_added = counters.length;
    }
    if (counters.length != live_count_ || (live_count_ > 0 && counters.last_id < last_live_id_)) {
      return reader_.Fail("the counters of a stream do not agree with its entries");
    }
    // The oldest form does not say it.
    if (live_count_ > 0) counters.first_id = first_live_id_;
    stream_->log.set_counters(counters);
    return true;
  }

  bool ReadGroup() {
    std::string name;
    StreamId last_id;
    if (!reader_.ReadString(&name) || !ReadId(reader_, &last_id)) return false;
    if (stream_->FindGroup(name) != nullptr) return reader_.Fail("a stream has a group twice");
    auto entries_read = static_cast<uint64_t>(stream_->EntriesAddedUpTo(last_id));
    if (has_counters_ && !reader_.ReadLength(&entries_read)) return false;
    auto group = std::make_unique<ConsumerGroup>(*stream_, name, last_id, static_cast<int64_t>(entries_read));
    std::vector<Delivery> deliveries;
    if (!ReadDeliveries(&deliveries)) return false;
    uint64_t count = 0;
    if (!reader_.ReadCount(&count, 1 + 8 + 1)) return false;
    for (; count > 0; --count) {
      if (!ReadConsumer(*group, deliveries)) return false;
    }
    if (group->pending.size() != deliveries.size()) {
      return reader_.Fail("an entry is pending in a stream's group and with no consumer");
    }
    stream_->groups.emplace(std::move(name), std::move(group));
    return true;
  }

  bool ReadDeliveries(std::vector<Delivery>* deliveries) {
    uint64_t count = 0;
    if (!reader_.ReadCount(&count, kIdBytes + 8 + 1)) return false;
    for (; count > 0; --count) {
      Delivery delivery;
      if (!ReadRawId(reader_, &delivery.id) || !reader_.ReadLittle(&delivery.delivered_ms) ||
          !reader_.ReadLength(&delivery.count)) {
        return false;
      }
      if (!deliveries->empty() && delivery.id <= deliveries->back().id) {
        return reader_.Fail("the pending entries of a stream's group are not in order");
      }
      deliveries->push_back(delivery);
    }
    return true;
  }

  bool ReadConsumer(ConsumerGroup& group, std::vector<Delivery>& deliveries) {
    std::string_view name;
    if (!reader_.ReadString(&name)) return false;
    if (group.FindConsumer(name) != nullptr) return reader_.Fail("a stream's group has a consumer twice");
    Consumer& consumer = group.AddConsumer(name, 0);
    if (!reader_.ReadLittle(&consumer.seen_ms)) return false;
    consumer.active_ms = consumer.seen_ms;
    if (has_active_times_ && !reader_.ReadLittle(&consumer.active_ms)) return false;
    uint64_t count = 0;
    if (!reader_.ReadCount(&count, kIdBytes)) return false;
    for (; count > 0; --count) {
      StreamId id;
      if (!ReadRawId(reader_, &id)) return false;
      const auto found = std::lower_bound(deliveries.begin(), deliveries.end(), id,
                                          [](const Delivery& a, StreamId wanted) { return a.id < wanted; });
      if (found == deliveries.end() || found->id != id || found->is_taken) {
        return reader_.Fail("an entry is pending with a consumer and not, or not once, in its group");
      }
      found->is_taken = true;
      group.AddPending(id, consumer, found->delivered_ms, found->count);
    }
    return true;
  }

  Reader& reader_;
  const bool has_counters_;
  const bool has_active_times_;
  std::unique_ptr<Stream> stream_;
  uint64_t live_count_ = 0;
  StreamId first_live_id_;
  StreamId last_live_id_;
};

}  // namespace

bool DecodeStream(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  StreamDecoder decoder(reader, type, context);
  if (!decoder.Decode()) return false;
  *container = {keyspace::Encoding::kStream, decoder.Release()};
  return true;
}

}  // namespace hearth::rdb
