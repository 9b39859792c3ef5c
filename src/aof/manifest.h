// The manifest of an AOF (docs/formats/aof.md): which files it is made of, as Redis 7 has it. One line a
// file,
//
//   file <name> seq <number> type <b|h|i>
//
// with the base (at most one) first, then the files that are only waiting to be removed (history), then the
// incremental files in ascending order, which continue the base. Lines that begin with '#' are comments.
//
// A value; whoever owns it (aof/folder.h) says on which thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::aof {

struct ManifestFile {
  std::string name;  // in the AOF's folder, never a path
  int64_t sequence = 0;

  bool operator==(const ManifestFile&) const = default;
};

class Manifest {
 public:
  static constexpr size_t kMaxLineBytes = 1024;

  // An error says what is wrong, and in which line.
  static Result<Manifest> Parse(std::string_view text);
  std::string Format() const;

  bool operator==(const Manifest&) const = default;

  const std::optional<ManifestFile>& base() const { return base_; }
  const std::vector<ManifestFile>& history() const { return history_; }
  const std::vector<ManifestFile>& increments() const { return increments_; }
  bool HasData() const { return base_.has_value() || !increments_.empty(); }

  // ---- transitions; `append_filename` is the directive's value

  // A new, last incremental file. Gives its name.
  std::string AddIncrement(std::string_view append_filename);
  // A new base takes the place of the old one and of every incremental file but the last, which become
  // history. Gives its name.
  std::string ReplaceBase(std::string_view append_filename, bool is_rdb);
  // An AOF of one file, as Redis wrote it before version 7, is the base under the name it has.
  void SetOldBase(std::string_view append_filename);
  void ForgetHistory() { history_.clear(); }

 private:
  // The message for what a line of the file said; empty if it was right.
  std::string_view AddLine(std::string_view line);
  std::string_view AddFile(ManifestFile file, char type);

  std::optional<ManifestFile> base_;
  std::vector<ManifestFile> history_;
  std::vector<ManifestFile> increments_;
  int64_t last_base_sequence_ = 0;
  int64_t last_increment_sequence_ = 0;
};

std::string ManifestName(std::string_view append_filename);
std::string TemporaryManifestName(std::string_view append_filename);
std::string TemporaryIncrementName(std::string_view append_filename);

}  // namespace hearth::aof
