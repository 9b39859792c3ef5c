// The trimming options of XADD and XTRIM.
#include <algorithm>

#include "base/numbers.h"
#include "commands/streams.h"

namespace hearth::commands {
namespace {

using engine::Context;

class TrimParser {
 public:
  TrimParser(Context& ctx, size_t first, bool is_add) : ctx_(ctx), i_(first), is_add_(is_add) {}

  std::optional<StreamTrimOptions> Parse() {
    while (i_ < ctx_.size() && !is_at_id_) {
      if (!ParseOne()) return std::nullopt;
    }
    if (!Check()) return std::nullopt;
    return StreamTrimOptions{has_trim_ ? std::optional(trim_) : std::nullopt, creates_key_, new_id_, i_};
  }

 private:
  bool ParseOne() {
    const bool has_more = i_ + 1 < ctx_.size();
    if (is_add_ && ctx_[i_] == "*") return ParseNewId();
    if (ctx_.Is(i_, "maxlen") && has_more) return ParseThreshold(ds::StreamTrim::By::kLength);
    if (ctx_.Is(i_, "minid") && has_more) return ParseThreshold(ds::StreamTrim::By::kMinId);
    if (ctx_.Is(i_, "limit") && has_more) return ParseLimit();
    if (is_add_ && ctx_.Is(i_, "nomkstream")) {
      creates_key_ = false;
      ++i_;
      return true;
    }
    if (is_add_) return ParseNewId();
    ctx_.SyntaxError();
    return false;
  }

  // The id is looked at before the options together are.
  bool ParseNewId() {
    const auto id = ParseNewStreamId(ctx_[i_]);
    if (id) {
      new_id_ = *id;
    } else {
      ctx_.Error(kInvalidStreamId);
    }
    return is_at_id_ = id.has_value();
  }

  bool ParseThreshold(ds::StreamTrim::By by) {
    if (has_trim_) {
      ctx_.Error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
      return false;
    }
    has_trim_ = true;
    trim_.by = by;
    ++i_;
    if (i_ + 1 < ctx_.size() && (ctx_[i_] == "~" || ctx_[i_] == "="))
      trim_.is_approximate = ctx_[i_++] == "~";
    if (by == ds::StreamTrim::By::kMinId) {
      const auto id = StreamIdArgument(ctx_, i_++);
      if (id) trim_.min_id = *id;
      return id.has_value();
    }
    const auto length = ctx_.Integer(i_++);
    if (!length) return false;
    if (*length < 0) {
      ctx_.Error("ERR The MAXLEN argument must be >= 0.");
      return false;
    }
    trim_.max_length = static_cast<uint64_t>(*length);
    return true;
  }

  bool ParseLimit() {
    const auto limit = ctx_.Integer(i_ + 1);
    if (!limit) return false;
    if (*limit < 0) {
      ctx_.Error("ERR The LIMIT argument must be >= 0.");
      return false;
    }
    limit_ = static_cast<uint64_t>(*limit);
    i_ += 2;
    return true;
  }

  bool Check() {
    // What a primary or a file says has been checked, and trimmed, there: its LIMIT means nothing here.
    if (ctx_.keyspace().expired_keys() == keyspace::ExpiredKeys::kIgnore) return true;
    if (limit_ && *limit_ > 0 && !has_trim_) {
      ctx_.Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
      return false;
    }
    if (!is_add_ && !has_trim_) {
      ctx_.Error("ERR syntax error, XTRIM must be called with a trimming strategy");
      return false;
    }
    if (limit_ && !trim_.is_approximate) {
      ctx_.Error("ERR syntax error, LIMIT cannot be used without the special ~ option");
      return false;
    }
    if (trim_.is_approximate) trim_.limit = limit_ ? *limit_ : DefaultLimit();
    return true;
  }

  // A hundred blocks, so that no single command works for long.
  uint64_t DefaultLimit() {
    const auto limit = static_cast<uint64_t>(ctx_.settings().stream_node_max_entries) * 100;
    return limit == 0 ? 10'000 : std::min<uint64_t>(limit, 1'000'000);
  }

  Context& ctx_;
  size_t i_;
  const bool is_add_;
  bool is_at_id_ = false;
  NewStreamId new_id_;
  bool has_trim_ = false;
  bool creates_key_ = true;
  ds::StreamTrim trim_;
  std::optional<uint64_t> limit_;
};

}  // namespace

std::optional<StreamTrimOptions> ParseStreamTrim(Context& ctx, size_t first, bool is_add) {
  return TrimParser(ctx, first, is_add).Parse();
}

ExactTrim::ExactTrim(const ds::StreamTrim& trim, const keyspace::Stream& trimmed) {
  if (trim.by == ds::StreamTrim::By::kLength) {
    strategy = "MAXLEN";
    threshold = ToString(static_cast<int64_t>(trim.is_approximate ? trimmed.log.length() : trim.max_length));
  } else {
    strategy = "MINID";
    // Nothing left has no first id; then all that is below the bound went.
    const bool uses_first = trim.is_approximate && trimmed.log.length() > 0;
    threshold = std::string_view(StreamIdText(uses_first ? trimmed.log.first_id() : trim.min_id));
  }
}

}  // namespace hearth::commands
