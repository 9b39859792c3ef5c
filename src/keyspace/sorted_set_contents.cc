#include "keyspace/sorted_set_contents.h"

#include <cmath>
#include <memory>

#include "base/numbers.h"
#include "keyspace/sorted_set_value.h"

namespace hearth::keyspace {

using ds::Listpack;
using ds::ListpackView;

namespace {

// A score that the listpack holds as an integer; negative zero becomes zero there, as in Redis.
std::optional<int64_t> WholeNumber(double score) {
  constexpr double kBound = 4611686018427387904.0;
  if (score < -kBound || score > kBound || score != std::trunc(score)) return std::nullopt;
  return static_cast<int64_t>(score);
}

}  // namespace

// Holds the listpack open for change, and hangs its block, which may have moved, back where it was.
class SortedSetContents::PackEdit {
 public:
  explicit PackEdit(SortedSetContents& contents)
      : contents_(contents), pack_(Listpack::Adopt(static_cast<uint8_t*>(contents.container_))) {}
  ~PackEdit() { contents_.container_ = pack_.Release(); }
  PackEdit(const PackEdit&) = delete;
  PackEdit& operator=(const PackEdit&) = delete;

  // Puts a member where it belongs in the order.
  void Insert(std::string_view member, double score) {
    const ListpackView view = pack_.View();
    for (auto at = view.First(); at != ListpackView::kNone;) {
      const auto score_at = view.Next(at);
      const double other = PackedScore(view.Get(score_at));
      ds::NumberBuffer digits;
      if (other > score || (other == score && view.Get(at).View(digits) > member)) {
        at = pack_.InsertBefore(at, member);
        if (const auto whole = WholeNumber(score)) {
          pack_.InsertAfter(at, *whole);
        } else {
          pack_.InsertAfter(at, FormatDouble(score));
        }
        return;
      }
      at = view.Next(score_at);
    }
    pack_.Append(member);
    if (const auto whole = WholeNumber(score)) {
      pack_.Append(*whole);
    } else {
      pack_.Append(FormatDouble(score));
    }
  }
  void Delete(ListpackView::Position at) { pack_.Delete(at, 2); }
  void DeleteRange(size_t start, size_t count) {
    pack_.DeleteRange(static_cast<int64_t>(start * 2), count * 2);
  }

 private:
  SortedSetContents& contents_;
  Listpack pack_;
};

SortedSetContents::SortedSetContents(Keyspace& keyspace, size_t first_bytes, size_t size_hint)
    : keyspace_(keyspace) {
  const settings::Settings& settings = keyspace.settings();
  if (size_hint <= static_cast<uint64_t>(settings.zset_max_listpack_entries) &&
      first_bytes <= static_cast<uint64_t>(settings.zset_max_listpack_value)) {
    encoding_ = Encoding::kListpack;
    container_ = Listpack().Release();
  } else {
    encoding_ = Encoding::kSkiplist;
    container_ = std::make_unique<ScoreIndex>(&keyspace_.cuts()).release();
  }
}

SortedSetContents::~SortedSetContents() {
  if (container_ != nullptr) FreeContainer();
}

void SortedSetContents::FreeContainer() {
  if (is_pack()) {
    const Listpack freed = Listpack::Adopt(static_cast<uint8_t*>(container_));
  } else {
    const std::unique_ptr<ScoreIndex> freed(&index());
  }
}

size_t SortedSetContents::Length() const { return SortedSetReader(encoding_, container_).Length(); }

void SortedSetContents::PrepareFor(size_t added) {
  if (is_pack() && added > static_cast<uint64_t>(keyspace_.settings().zset_max_listpack_entries))
    ConvertToIndex();
}

void SortedSetContents::Add(std::string_view member, double score) {
  if (is_pack() && (Length() + 1 > static_cast<uint64_t>(keyspace_.settings().zset_max_listpack_entries) ||
                    member.size() > static_cast<uint64_t>(keyspace_.settings().zset_max_listpack_value) ||
                    pack().TotalBytes() + member.size() > Listpack::kMaxBytes / 2)) {
    ConvertToIndex();
  }
  if (is_pack()) {
    PackEdit(*this).Insert(member, score);
  } else {
    index().Add(member, score);
  }
}

double SortedSetContents::ScoreAt(ListpackView::Position at) const {
  return PackedScore(pack().Get(pack().Next(at)));
}

void SortedSetContents::MoveInPack(ListpackView::Position at, std::string_view member, double score) {
  PackEdit edit(*this);
  edit.Delete(at);
  edit.Insert(member, score);
}

bool SortedSetContents::Remove(std::string_view member) {
  if (!is_pack()) {
    const ScoreIndex::Member* found = index().Find(member);
    if (found != nullptr) index().Erase(*found);
    return found != nullptr;
  }
  const auto at = pack().Find(member, pack().First(), 1);
  if (at == ListpackView::kNone) return false;
  PackEdit(*this).Delete(at);
  return true;
}

void SortedSetContents::RemoveRange(size_t start, size_t count) {
  if (is_pack()) {
    PackEdit(*this).DeleteRange(start, count);
  } else {
    index().EraseRange(start, count);
  }
}

void SortedSetContents::ConvertToIndex() {
  auto converted = std::make_unique<ScoreIndex>(&keyspace_.cuts());
  SortedSetReader(encoding_, container_).ForEach([&](const Element& member, double score) {
    ds::NumberBuffer digits;
    converted->Add(member.View(digits), score);
  });
  FreeContainer();
  encoding_ = Encoding::kSkiplist;
  container_ = converted.release();
}

}  // namespace hearth::keyspace
