#include "ds/stream_log.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

using Fields = std::vector<std::string>;
using Model = std::map<StreamId, Fields>;

std::vector<std::string_view> Views(const Fields& fields) { return {fields.begin(), fields.end()}; }

Fields FieldsOf(StreamRange& range) {
  Fields fields;
  range.ForEachField([&](const ListpackValue& field, const ListpackValue& value) {
    fields.push_back(field.ToString());
    fields.push_back(value.ToString());
  });
  return fields;
}

void CheckRange(const StreamLog& log, const Model& model, StreamId start, StreamId end, Prng& random) {
  StreamRange forward(log, start, end);
  for (auto at = model.lower_bound(start); at != model.end() && at->first <= end; ++at) {
    ASSERT_TRUE(forward.Next());
    ASSERT_EQ(forward.id(), at->first);
    ASSERT_EQ(forward.field_count(), at->second.size() / 2);
    // Walking on must not depend on the fields having been read.
    if (random.Below(2) == 0) {
      ASSERT_EQ(FieldsOf(forward), at->second);
    }
  }
  ASSERT_FALSE(forward.Next());
  ASSERT_FALSE(forward.Next());
  StreamRange backward(log, start, end, true);
  for (auto at = model.upper_bound(end); start <= end && at != model.begin() && (--at)->first >= start;) {
    ASSERT_TRUE(backward.Next());
    ASSERT_EQ(backward.id(), at->first);
    if (random.Below(2) == 0) {
      ASSERT_EQ(FieldsOf(backward), at->second);
    }
  }
  ASSERT_FALSE(backward.Next());
}

void CheckAll(const StreamLog& log, const Model& model, Prng& random) {
  ASSERT_EQ(log.length(), model.size());
  ASSERT_EQ(log.first_id(), model.empty() ? StreamId{} : model.begin()->first);
  for (auto at = log.blocks().First(); at; at = log.blocks().Next(at)) {
    ASSERT_TRUE(ValidateStreamBlock(log.blocks().ValueAt(at).View().Raw()));
  }
  CheckRange(log, model, StreamId::Min(), StreamId::Max(), random);
}

Fields RandomFields(Prng& random) {
  Fields fields;
  const uint64_t count = 1 + random.Below(random.Below(4) == 0 ? 5 : 2);
  for (uint64_t i = 0; i < count; ++i) {
    fields.push_back("field" + std::to_string(i));
    fields.push_back(random.Below(2) == 0 ? std::to_string(random.Next() >> random.Below(64))
                                          : std::string(random.Below(90), 'v'));
  }
  return fields;
}

uint64_t TrimModel(Model& model, const StreamTrim& trim) {
  uint64_t removed = 0;
  while (!model.empty() && (trim.by == StreamTrim::By::kLength ? model.size() > trim.max_length
                                                               : model.begin()->first < trim.min_id)) {
    model.erase(model.begin());
    ++removed;
  }
  return removed;
}

TEST(StreamLog, BehavesAsAnOrderedMapUnderRandomChanges) {
  Prng random(TestSeed());
  for (int round = 0; round < 30; ++round) {
    StreamLog log;
    Model model;
    const StreamBlockLimits limits{.max_bytes = random.Below(3) == 0 ? 0 : 64 + random.Below(1000),
                                   .max_entries = random.Below(20)};
    const auto random_id = [&] {
      if (model.empty() || random.Below(5) == 0) return StreamId{random.Below(3000), random.Below(3)};
      auto at = model.lower_bound({random.Below(log.last_id().ms + 1), 0});
      return at == model.end() ? model.begin()->first : at->first;
    };
    for (int step = 0; step < 600; ++step) {
      const uint64_t choice = random.Below(20);
      if (choice < 12) {
        StreamId id = log.last_id();
        id = random.Below(3) == 0 ? id.Next() : StreamId{id.ms + 1 + random.Below(4), random.Below(1000)};
        const Fields fields = RandomFields(random);
        log.Append(id, Views(fields), limits);
        model[id] = fields;
        ASSERT_EQ(log.last_id(), id);
      } else if (choice < 17) {
        const StreamId id = random_id();
        ASSERT_EQ(log.Contains(id), model.contains(id));
        ASSERT_EQ(log.Delete(id), model.erase(id) == 1);
      } else if (choice == 17 && random.Below(4) == 0) {
        StreamTrim trim;
        trim.by = random.Below(2) == 0 ? StreamTrim::By::kLength : StreamTrim::By::kMinId;
        trim.max_length = random.Below(model.size() + 2);
        trim.min_id = random_id();
        if (random.Below(2) == 0) {
          trim.is_approximate = true;
          trim.limit = random.Below(30);
          const uint64_t removed = log.Trim(trim);
          if (trim.limit != 0) {
            ASSERT_LE(removed, trim.limit);
          }
          for (uint64_t i = 0; i < removed; ++i) {
            if (trim.by == StreamTrim::By::kMinId) {
              ASSERT_LT(model.begin()->first, trim.min_id);
            }
            model.erase(model.begin());
          }
          if (trim.by == StreamTrim::By::kLength && removed > 0) {
            ASSERT_GE(model.size(), trim.max_length);
          }
        } else {
          ASSERT_EQ(log.Trim(trim), TrimModel(model, trim));
        }
      } else {
        CheckRange(log, model, random_id(), random_id(), random);
      }
    }
    CheckAll(log, model, random);
    StreamLog copy;
    copy.CopyFrom(log);
    CheckAll(copy, model, random);
  }
}

TEST(StreamLog, EntriesWithTheMasterFieldsDoNotRepeatThem) {
  StreamLog log;
  const std::vector<std::string_view> pairs = {"temperature", "20", "humidity", "60"};
  log.Append({1, 1}, pairs, {});
  const size_t first = log.blocks().ValueAt(log.blocks().First()).View().TotalBytes();
  log.Append({1, 2}, pairs, {});
  const size_t second = log.blocks().ValueAt(log.blocks().First()).View().TotalBytes();
  EXPECT_LT(second - first, 20u);
}

TEST(StreamLog, MaxDeletedIdIsOfDeletesNotOfTrims) {
  StreamLog log;
  const std::vector<std::string_view> pairs = {"a", "b"};
  for (uint64_t i = 1; i <= 5; ++i) log.Append({i, 0}, pairs, {});
  EXPECT_EQ(log.Trim({.max_length = 3}), 2u);
  EXPECT_EQ(log.max_deleted_id(), (StreamId{0, 0}));
  EXPECT_TRUE(log.Delete({4, 0}));
  EXPECT_TRUE(log.Delete({3, 0}));
  EXPECT_EQ(log.max_deleted_id(), (StreamId{4, 0}));
  EXPECT_EQ(log.first_id(), (StreamId{5, 0}));
  EXPECT_EQ(log.entries_added(), 5u);
}

TEST(StreamLog, TrimByIdKeepsABlockWhoseLastEntryWasDeletedBefore) {
  StreamLog log;
  const std::vector<std::string_view> pairs = {"a", "b"};
  for (uint64_t i = 1; i <= 3; ++i) log.Append({i, 0}, pairs, {});
  EXPECT_TRUE(log.Delete({3, 0}));
  EXPECT_EQ(log.Trim({.by = StreamTrim::By::kMinId, .min_id = {3, 0}}), 2u);
  EXPECT_EQ(log.length(), 0u);
  EXPECT_EQ(log.blocks().size(), 1u);
  EXPECT_EQ(log.first_id(), StreamId{});
  // The next entry goes behind the deleted ones, unless XSETID went back to before them.
  StreamLog other;
  other.CopyFrom(log);
  log.Append({4, 0}, pairs, {});
  EXPECT_EQ(log.blocks().size(), 1u);
  EXPECT_TRUE(log.Contains({4, 0}));
  other.set_last_id({0, 1});
  other.Append({0, 2}, pairs, {});
  EXPECT_EQ(other.blocks().size(), 1u);
  EXPECT_TRUE(other.Contains({0, 2}));
  StreamRange entries(other, StreamId::Min(), StreamId::Max());
  EXPECT_TRUE(entries.Next());
  EXPECT_FALSE(entries.Next());
}

TEST(StreamLog, EntriesBehindADeletedHigherIdAreFound) {
  StreamLog log;
  const std::vector<std::string_view> pairs = {"a", "b"};
  for (uint64_t i = 1; i <= 3; ++i) log.Append({i, 0}, pairs, {});
  EXPECT_TRUE(log.Delete({3, 0}));
  log.set_last_id({2, 0});
  log.Append({2, 5}, pairs, {});
  EXPECT_TRUE(log.Contains({2, 5}));
  StreamRange forward(log, {2, 0}, {2, 9});
  EXPECT_TRUE(forward.Next() && forward.Next());
  EXPECT_EQ(forward.id(), (StreamId{2, 5}));
  StreamRange backward(log, {2, 5}, {2, 5}, true);
  EXPECT_TRUE(backward.Next());
  EXPECT_TRUE(log.Delete({2, 5}));
}

TEST(StreamLog, IdsAtTheEndOfTheRangeSurviveTheirDeltas) {
  StreamLog log;
  const std::vector<std::string_view> pairs = {"a", "b"};
  const uint64_t max = UINT64_MAX;
  const std::vector<StreamId> ids = {{0, max}, {1, 0}, {max, 5}, {max, max}};
  for (const StreamId id : ids) log.Append(id, pairs, {});
  EXPECT_TRUE(log.is_exhausted());
  StreamRange range(log, StreamId::Min(), StreamId::Max());
  for (const StreamId id : ids) {
    ASSERT_TRUE(range.Next());
    EXPECT_EQ(range.id(), id);
  }
}

// Remembers the ids of the blocks as they were announced.
class Recorder : public CutObserver {
 public:
  void CaptureBlock(const StreamLog&, const StreamBlock& block, uint8_t) override {
    seen.push_back(block.first_id);
  }
  std::vector<StreamId> seen;
};

TEST(StreamLog, AnnouncesBlocksBeforeTheyChange) {
  Recorder recorder;
  CutState cuts{.observer = &recorder};
  StreamLog log(&cuts);
  const std::vector<std::string_view> pairs = {"a", "b"};
  const StreamBlockLimits limits{.max_bytes = 0, .max_entries = 2};
  for (uint64_t i = 1; i <= 9; ++i) log.Append({i, 0}, pairs, limits);
  cuts.captured = cuts.active = 1;
  log.Append({10, 0}, pairs, limits);
  log.Append({11, 0}, pairs, limits);
  EXPECT_TRUE(log.Delete({4, 0}));
  EXPECT_EQ(log.Trim({.max_length = 7}), 3u);
  EXPECT_EQ(recorder.seen, (std::vector<StreamId>{{9, 0}, {3, 0}, {1, 0}}));
}

TEST(StreamBlock, DamagedBlocksAreRefused) {
  StreamLog log;
  const std::vector<std::string_view> pairs = {"a", "b", "c", "1000"};
  for (uint64_t i = 1; i <= 4; ++i) log.Append({i, 0}, pairs, {});
  log.Delete({2, 0});
  const std::string raw(log.blocks().ValueAt(log.blocks().First()).View().Raw());
  EXPECT_TRUE(ValidateStreamBlock(raw));
  EXPECT_FALSE(ValidateStreamBlock(raw.substr(0, raw.size() - 1)));
  EXPECT_FALSE(ValidateStreamBlock(""));
  for (size_t element = 0; element < 3; ++element) {
    Listpack pack = Listpack::Copy(raw);
    pack.Replace(pack.View().Seek(static_cast<int64_t>(element)), int64_t{100});
    EXPECT_FALSE(ValidateStreamBlock(pack.View().Raw())) << element;
  }
  Listpack pack = Listpack::Copy(raw);
  pack.Delete(pack.View().Last());
  EXPECT_FALSE(ValidateStreamBlock(pack.View().Raw()));
}

}  // namespace
}  // namespace hearth::ds
