#include "resp/writer.h"

#include <algorithm>

#include "base/numbers.h"

namespace hearth::resp {

char* Writer::PutDigits(char* to, int64_t value) { return to + FormatInt64(value, to); }

void Writer::Error(std::string_view text) {
  output_->Append("-");
  while (!text.empty()) {
    const size_t clean = std::min(text.find_first_of("\r\n"), text.size());
    output_->Append(text.substr(0, clean));
    text.remove_prefix(clean);
    if (text.empty()) break;
    output_->Append(" ");
    text.remove_prefix(1);
  }
  output_->Append("\r\n");
}

void Writer::Line(char kind, std::string_view text) {
  output_->Append({&kind, 1});
  output_->Append(text);
  output_->Append("\r\n");
}

void Writer::BulkSlow(std::string_view bytes) {
  Header('$', static_cast<int64_t>(bytes.size()));
  output_->Append(bytes);
  output_->Append("\r\n");
}

void Writer::BulkInteger(int64_t value) {
  char digits[20];
  Bulk({digits, static_cast<size_t>(FormatInt64(value, digits))});
}

void Writer::Double(double value) {
  const std::string text = FormatDouble(value);
  protocol_ == 2 ? Bulk(text) : Line(',', text);
}

void Writer::Verbatim(std::string_view text, std::string_view format) {
  if (protocol_ == 2) {
    Bulk(text);
    return;
  }
  Header('=', static_cast<int64_t>(text.size() + 4));
  output_->Append(format);
  output_->Append(":");
  output_->Append(text);
  output_->Append("\r\n");
}

void Writer::Finish(const DeferredLength& deferred, size_t n) {
  char header[kMaxHeader];
  const char* const end =
      PutHeader(header, deferred.kind, static_cast<int64_t>(deferred.doubled ? 2 * n : n));
  output_->CloseGap(deferred.gap, {header, static_cast<size_t>(end - header)});
}

}  // namespace hearth::resp
