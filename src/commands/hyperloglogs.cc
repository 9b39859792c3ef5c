// Counting different elements: PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST.
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/text.h"
#include "commands/register.h"
#include "ds/hyperloglog.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using ds::HllObservation;
using ds::HllRegisters;
using ds::SparseHllEdit;
using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Encoding;
using keyspace::StringValue;

void CorruptError(Context& ctx) { ctx.Error("INVALIDOBJ Corrupted HLL object detected"); }

// True if the entry holds a sketch; else the error has been replied.
bool CheckSketch(Context& ctx, const Entry& entry) {
  if (!ctx.CheckType(&entry, Type::kString)) return false;
  if (!entry.is_int() && ds::IsHll(entry.text())) return true;
  ctx.Error("WRONGTYPE Key is not a valid HyperLogLog string value.");
  return false;
}

// A sketch under a write handle; its changes are counted by the caller. The string becomes raw.
class Sketch {
 public:
  enum class Change : uint8_t { kNone, kRaised, kCorrupt };

  Sketch(WriteHandle& handle, size_t max_sparse_bytes)
      : value_(handle),
        max_sparse_bytes_(max_sparse_bytes),
        size_(handle->text().size()),
        bytes_(value_.Reshape(size_)) {}

  std::string_view text() const { return {bytes_, size_}; }
  char* bytes() { return bytes_; }
  bool is_dense() const { return ds::IsDenseHll(text()); }

  Change Raise(HllObservation observation) {
    if (!is_dense()) {
      const SparseHllEdit edit = ds::PlanSparseHll(text(), observation, max_sparse_bytes_);
      if (edit.kind == SparseHllEdit::Kind::kNone) return Change::kNone;
      if (edit.kind == SparseHllEdit::Kind::kReplace) {
        Apply(edit);
        return Change::kRaised;
      }
      if (edit.kind == SparseHllEdit::Kind::kCorrupt || !MakeDense()) return Change::kCorrupt;
    }
    return ds::RaiseDenseHll(bytes_, observation) ? Change::kRaised : Change::kNone;
  }

  // False if the sketch is corrupt; it stays as it was then.
  bool MakeDense() {
    if (is_dense()) return true;
    HllRegisters registers;
    if (!ds::ReadHll(text(), registers)) return false;
    size_ = ds::kHllDenseBytes;
    bytes_ = value_.Reshape(size_);
    ds::WriteDenseHll(text(), registers, bytes_);
    return true;
  }

 private:
  void Apply(const SparseHllEdit& edit) {
    const size_t old_size = size_;
    if (edit.growth() > 0) bytes_ = value_.Reshape(old_size + static_cast<size_t>(edit.growth()));
    size_ = ds::ApplySparseHll(bytes_, old_size, edit);
    bytes_ = value_.Reshape(size_);
  }

  StringValue value_;
  size_t max_sparse_bytes_;
  size_t size_;
  char* bytes_;
};

size_t MaxSparseBytes(Context& ctx) { return static_cast<size_t>(ctx.settings().hll_sparse_max_bytes); }

WriteHandle CreateSketch(Context& ctx, const Key& key) {
  const std::string_view empty = ds::EmptyHll();
  WriteHandle handle = StringValue::Create(ctx.db(), key, empty.size());
  std::memcpy(StringValue(handle).Resize(empty.size()), empty.data(), empty.size());
  return handle;
}

void PfAdd(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  const bool is_new = !handle;
  if (is_new) {
    handle = CreateSketch(ctx, key);
  } else if (!CheckSketch(ctx, *handle)) {
    return;
  }
  Sketch sketch(handle, MaxSparseBytes(ctx));
  uint64_t raised = 0;
  bool is_corrupt = false;
  for (size_t i = 2; i < ctx.size() && !is_corrupt; ++i) {
    const Sketch::Change change = sketch.Raise(ds::ObserveHll(ctx[i]));
    raised += change == Sketch::Change::kRaised;
    is_corrupt = change == Sketch::Change::kCorrupt;
  }
  if (raised > 0 || is_new) ds::ForgetHllCount(sketch.bytes());
  if (raised > 0) handle.MarkChanged(raised);
  if (is_corrupt) return CorruptError(ctx);
  if (raised > 0 || is_new) ctx.Notify(settings::kNotifyString, "pfadd", key.text);
  ctx.reply().Integer(raised > 0 || is_new);
}

// The registers of a sketch that stands for all keys from argument `first` on; null if an error has been
// replied.
struct Union {
  HllRegisters registers = {};
  bool has_dense = false;
};

std::unique_ptr<Union> MergeKeys(Context& ctx, size_t first) {
  auto merged = std::make_unique<Union>();
  for (size_t i = first; i < ctx.size(); ++i) {
    const Entry* entry = ctx.FindForRead(ctx.key(i));
    if (entry == nullptr) continue;
    if (!CheckSketch(ctx, *entry)) return nullptr;
    merged->has_dense |= ds::IsDenseHll(entry->text());
    if (!ds::MergeHll(entry->text(), merged->registers)) {
      CorruptError(ctx);
      return nullptr;
    }
  }
  return merged;
}

// Keeping the count in the sketch is a change of the string, which is passed on like any other.
void PfCountOne(Context& ctx) {
  const Key key = ctx.key(1);
  const Entry* entry = ctx.FindForRead(key);
  if (entry == nullptr) return ctx.reply().Integer(0);
  if (!CheckSketch(ctx, *entry)) return;
  auto count = ds::CachedHllCount(entry->text());
  if (count && entry->encoding() == Encoding::kRaw) return ctx.reply().Integer(static_cast<int64_t>(*count));
  WriteHandle handle = ctx.FindForWrite(key);
  Sketch sketch(handle, MaxSparseBytes(ctx));
  if (!count) {
    count = ds::EstimateHll(sketch.text());
    if (!count) return CorruptError(ctx);
    ds::StoreHllCount(sketch.bytes(), *count);
    handle.MarkChanged();
  }
  ctx.reply().Integer(static_cast<int64_t>(*count));
}

void PfCount(Context& ctx) {
  if (ctx.size() == 2) return PfCountOne(ctx);
  const auto merged = MergeKeys(ctx, 1);
  if (merged == nullptr) return;
  ctx.reply().Integer(static_cast<int64_t>(ds::EstimateHll(merged->registers)));
}

void PfMerge(Context& ctx) {
  const auto merged = MergeKeys(ctx, 1);
  if (merged == nullptr) return;
  const Key target = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(target);
  const bool is_new = !handle;
  if (is_new) handle = CreateSketch(ctx, target);
  Sketch sketch(handle, MaxSparseBytes(ctx));
  if (merged->has_dense && !sketch.MakeDense()) return CorruptError(ctx);
  if (sketch.is_dense()) {
    ds::WriteDenseHll(sketch.text(), merged->registers, sketch.bytes());
  } else {
    for (uint32_t i = 0; i < ds::kHllRegisters; ++i) {
      if (merged->registers[i] != 0) sketch.Raise({i, merged->registers[i]});
    }
  }
  ds::ForgetHllCount(sketch.bytes());
  if (!is_new) handle.MarkChanged();
  ctx.Notify(settings::kNotifyString, "pfadd", target.text);
  ctx.reply().Ok();
}

// Makes the sketch dense for PFDEBUG; false if it is corrupt, which has been replied.
bool DebugMakeDense(Context& ctx, WriteHandle& handle, Sketch& sketch) {
  if (sketch.is_dense()) return true;
  if (!sketch.MakeDense()) {
    CorruptError(ctx);
    return false;
  }
  handle.MarkChanged();
  return true;
}

void DebugRegisters(Context& ctx, WriteHandle& handle, Sketch& sketch) {
  if (!DebugMakeDense(ctx, handle, sketch)) return;
  HllRegisters registers;
  if (!ds::ReadHll(sketch.text(), registers)) return CorruptError(ctx);
  ctx.reply().Array(registers.size());
  for (uint8_t value : registers) ctx.reply().Integer(value);
}

void PfDebug(Context& ctx) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(2));
  if (!handle) return ctx.Error("ERR The specified key does not exist");
  if (!CheckSketch(ctx, *handle)) return;
  Sketch sketch(handle, MaxSparseBytes(ctx));
  if (ctx.Is(1, "getreg")) {
    DebugRegisters(ctx, handle, sketch);
  } else if (ctx.Is(1, "decode")) {
    if (sketch.is_dense()) return ctx.Error("ERR HLL encoding is not sparse");
    ctx.reply().Bulk(ds::DescribeSparseHll(sketch.text()));
  } else if (ctx.Is(1, "encoding")) {
    ctx.reply().Simple(sketch.is_dense() ? "dense" : "sparse");
  } else if (ctx.Is(1, "todense")) {
    const bool was_dense = sketch.is_dense();
    if (DebugMakeDense(ctx, handle, sketch)) ctx.reply().Integer(was_dense ? 0 : 1);
  } else {
    // Redis shows the word as C sees it: up to the first zero.
    ctx.Error(fmt::format("ERR Unknown PFDEBUG subcommand '{}'", ctx[1].substr(0, ctx[1].find('\0'))));
  }
}

// Registers are what was written to them, and estimates are as good as the theory says.
void PfSelfTest(Context& ctx) {
  constexpr uint64_t kElements = 100'000;
  constexpr double kStandardErrors = 5;
  auto registers = std::make_unique<HllRegisters>();
  std::string dense(ds::kHllDenseBytes, '\0');
  ds::WriteDenseHll(ds::EmptyHll(), *registers, dense.data());
  const double error = kStandardErrors * 1.04 / std::sqrt(double{ds::kHllRegisters});
  for (uint64_t n = 1, check = 1; n <= kElements; ++n) {
    const HllObservation observation = ds::ObserveHll(ToString(static_cast<int64_t>(n)));
    uint8_t& expected = (*registers)[observation.index];
    const bool raises = expected < observation.rank;
    if (raises) expected = observation.rank;
    if (ds::RaiseDenseHll(dense.data(), observation) != raises) {
      return ctx.Error(fmt::format("ERR TESTFAILED register {} did not take its value", observation.index));
    }
    if (n != check && n != kElements) continue;
    check *= 10;
    const uint64_t estimate = ds::EstimateHll(*registers);
    const double difference = std::abs(static_cast<double>(estimate) - static_cast<double>(n));
    if (ds::EstimateHll(dense) != estimate || difference > error * static_cast<double>(n) + 1) {
      return ctx.Error(fmt::format("ERR TESTFAILED {} elements were estimated as {}", n, estimate));
    }
  }
  ctx.reply().Ok();
}

}  // namespace

void RegisterHyperLogLogs(engine::CommandTable& table) {
  table.Bind("pfadd", engine::MakeHandler<&PfAdd>());
  table.Bind("pfcount", engine::MakeHandler<&PfCount>());
  table.Bind("pfmerge", engine::MakeHandler<&PfMerge>());
  table.Bind("pfdebug", engine::MakeHandler<&PfDebug>());
  table.Bind("pfselftest", engine::MakeHandler<&PfSelfTest>());
}

}  // namespace hearth::commands
