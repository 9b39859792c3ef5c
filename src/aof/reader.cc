#include "aof/reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/numbers.h"

namespace hearth::aof {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
// "*" or "$", the digits of a number, CR LF; with some tolerance for odd spellings.
constexpr size_t kMaxNumberLine = 32;
constexpr std::string_view kTimestampMark = "#TS:";

std::unexpected<Error> FailAt(uint64_t offset, std::string_view what) {
  return Fail(fmt::format("{} at byte {}", what, offset));
}

std::string Shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > ' ' && byte < 127 ? fmt::format("'{}'", c) : fmt::format("byte 0x{:02x}", byte);
}

}  // namespace

Result<Reader> Reader::Open(env::File& file, uint64_t start) {
  const auto size = file.Size();
  if (!size) return std::unexpected(size.error());
  if (start > *size) return Fail(fmt::format("{} ends before byte {}", file.path(), start));
  return Reader(file, start, *size);
}

Result<Reader::Kind> Reader::Next() {
  args_.clear();
  places_.clear();
  annotation_ = {};
  at_ = offset_;
  if (offset_ == file_bytes_) return Kind::kEnd;
  const auto first = Want(1);
  if (!first) return std::unexpected(first.error());
  if (*first == Step::kTruncated) return Kind::kTruncated;
  return Buffered()[0] == '#' ? ReadAnnotation() : ReadCommand();
}

std::string_view Reader::Buffered() const {
  return std::string_view(buffer_).substr(static_cast<size_t>(at_ - buffer_start_));
}

Result<Reader::Step> Reader::Want(uint64_t size) {
  if (size > file_bytes_ - at_) return Step::kTruncated;
  const uint64_t wanted_end = at_ + size;
  if (buffer_start_ + buffer_.size() >= wanted_end) return Step::kDone;
  // What lies before the current item is not needed any more.
  buffer_.erase(0, static_cast<size_t>(std::min<uint64_t>(offset_ - buffer_start_, buffer_.size())));
  buffer_start_ = offset_;
  const uint64_t have_end = buffer_start_ + buffer_.size();
  const uint64_t read_end = std::min(file_bytes_, std::max(wanted_end, have_end + kReadBytes));
  const size_t had = buffer_.size();
  buffer_.resize(had + static_cast<size_t>(read_end - have_end));
  const auto got = file_->ReadAt(have_end, {buffer_.data() + had, buffer_.size() - had});
  if (!got) return std::unexpected(got.error());
  buffer_.resize(had + *got);
  // The file has become shorter meanwhile.
  if (buffer_start_ + buffer_.size() < wanted_end) return Step::kTruncated;
  return Step::kDone;
}

Result<Reader::Kind> Reader::ReadAnnotation() {
  const auto wanted = Want(std::min<uint64_t>(kMaxAnnotationBytes, file_bytes_ - at_));
  if (!wanted) return std::unexpected(wanted.error());
  const std::string_view text = Buffered().substr(0, kMaxAnnotationBytes);
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    if (text.size() < kMaxAnnotationBytes) return Kind::kTruncated;
    return FailAt(at_, "Annotation without an end");
  }
  annotation_ = text.substr(0, end);
  if (annotation_.ends_with('\r')) annotation_.remove_suffix(1);
  offset_ = at_ + end + 1;
  return Kind::kAnnotation;
}

Result<Reader::Kind> Reader::ReadCommand() {
  int64_t count = 0;
  auto step = ReadNumber('*', 1, &count);
  for (int64_t i = 0; step && *step == Step::kDone && i < count; ++i) step = ReadArgument();
  if (!step) return std::unexpected(step.error());
  if (*step == Step::kTruncated) return Kind::kTruncated;
  for (const Place& place : places_)
    args_.emplace_back(buffer_.data() + (place.offset - buffer_start_), place.size);
  offset_ = at_;
  return Kind::kCommand;
}

Result<Reader::Step> Reader::ReadArgument() {
  int64_t size = 0;
  const auto header = ReadNumber('$', 0, &size);
  if (!header || *header == Step::kTruncated) return header;
  const uint64_t content = at_;
  const auto step = Want(static_cast<uint64_t>(size) + 2);
  if (!step || *step == Step::kTruncated) return step;
  at_ += static_cast<uint64_t>(size);
  if (!Buffered().starts_with("\r\n")) return FailAt(at_, "Expected CR LF behind an argument");
  at_ += 2;
  places_.push_back({content, static_cast<size_t>(size)});
  return Step::kDone;
}

Result<Reader::Step> Reader::ReadNumber(char mark, int64_t minimum, int64_t* number) {
  if (at_ == file_bytes_) return Step::kTruncated;
  const auto wanted = Want(std::min<uint64_t>(kMaxNumberLine, file_bytes_ - at_));
  if (!wanted || *wanted == Step::kTruncated) return wanted;
  const std::string_view text = Buffered().substr(0, kMaxNumberLine);
  if (text[0] != mark) return FailAt(at_, fmt::format("Expected '{}', found {},", mark, Shown(text[0])));
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    if (text.size() < kMaxNumberLine) return Step::kTruncated;
    return FailAt(at_, "Number without an end");
  }
  std::string_view digits = text.substr(1, end - 1);
  if (!digits.ends_with('\r')) return FailAt(at_ + end, "Expected CR LF behind a number");
  digits.remove_suffix(1);
  const auto parsed = ParseInt64(digits);
  if (!parsed || *parsed < minimum || *parsed > INT64_MAX / 2)
    return FailAt(at_ + 1, mark == '*' ? "Invalid number of arguments" : "Invalid length of an argument");
  *number = *parsed;
  at_ += end + 1;
  return Step::kDone;
}

std::optional<int64_t> TimestampOf(std::string_view annotation) {
  if (!annotation.starts_with(kTimestampMark)) return std::nullopt;
  return ParseInt64(annotation.substr(kTimestampMark.size()));
}

}  // namespace hearth::aof
