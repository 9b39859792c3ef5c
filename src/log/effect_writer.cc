#include "log/effect_writer.h"

#include <cstring>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::log {
namespace {

constexpr size_t kMaxHeader = 1 + 20 + 2;  // "*<count>\r\n", "$<length>\r\n"

char* PutHeader(char* to, char kind, size_t value) {
  *to++ = kind;
  if (value < 10) [[likely]] {
    *to++ = static_cast<char>('0' + value);
  } else {
    to += FormatInt64(static_cast<int64_t>(value), to);
  }
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

char* PutBulk(char* to, std::string_view bytes) {
  to = PutHeader(to, '$', bytes.size());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  to += bytes.size();
  *to++ = '\r';
  *to++ = '\n';
  return to;
}

void AppendLarge(WriteLog& log, std::span<const std::string_view> args) {
  char* const start = log.Reserve(kMaxHeader);
  log.Commit(static_cast<size_t>(PutHeader(start, '*', args.size()) - start));
  for (const std::string_view arg : args) {
    if (arg.size() + kMaxHeader + 2 <= WriteLog::kUnsplitBytes) {
      char* const at = log.Reserve(arg.size() + kMaxHeader + 2);
      log.Commit(static_cast<size_t>(PutBulk(at, arg) - at));
      continue;
    }
    char* const at = log.Reserve(kMaxHeader);
    log.Commit(static_cast<size_t>(PutHeader(at, '$', arg.size()) - at));
    log.Append(arg);
    log.Append("\r\n");
  }
}

}  // namespace

void AppendCommand(WriteLog& log, std::span<const std::string_view> args) {
  size_t size = kMaxHeader;
  for (const std::string_view arg : args) {
    size += arg.size() + kMaxHeader + 2;
    if (size > WriteLog::kUnsplitBytes) return AppendLarge(log, args);
  }
  char* const start = log.Reserve(size);
  char* to = PutHeader(start, '*', args.size());
  for (const std::string_view arg : args) to = PutBulk(to, arg);
  log.Commit(static_cast<size_t>(to - start));
}

void EffectWriter::BeginUnit() {
  HEARTH_ASSERT(unit_ == Unit::kNone);
  unit_ = Unit::kAnnounced;
}

void EffectWriter::Append(int database, std::span<const std::string_view> args) {
  if (database != database_) {
    const std::string number = ToString(database);
    const std::string_view select[] = {"SELECT", number};
    AppendCommand(*log_, select);
    database_ = database;
  }
  if (unit_ == Unit::kAnnounced) {
    const std::string_view multi[] = {"MULTI"};
    AppendCommand(*log_, multi);
    unit_ = Unit::kOpen;
  }
  AppendCommand(*log_, args);
}

void EffectWriter::EndUnit() {
  HEARTH_ASSERT(unit_ != Unit::kNone);
  if (unit_ == Unit::kOpen) {
    const std::string_view exec[] = {"EXEC"};
    AppendCommand(*log_, exec);
  }
  unit_ = Unit::kNone;
}

void EffectWriter::ForgetDatabase() {
  HEARTH_ASSERT(unit_ == Unit::kNone);
  database_ = -1;
}

}  // namespace hearth::log
