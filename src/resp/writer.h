// Writes replies into an OutputBuffer, in RESP2 or RESP3 (docs/formats/resp.md). Owns nothing and is cheap to
// make where it is needed; same thread as its buffer. Types that RESP2 lacks come out as what Redis sends it.
//
// `Error`'s text starts with its code ("ERR ...", "WRONGTYPE ..."): adding one is the caller's matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "resp/output_buffer.h"

namespace hearth::resp {

class Writer {
 public:
  Writer(OutputBuffer& output, int protocol) : output_(&output), protocol_(protocol) {}

  int protocol() const { return protocol_; }
  void set_protocol(int protocol) { protocol_ = protocol; }
  OutputBuffer& output() { return *output_; }

  // Bytes that are protocol already.
  void Raw(std::string_view bytes) { output_->Append(bytes); }
  void Ok() { output_->Append("+OK\r\n"); }

  void Simple(std::string_view text) { Line('+', text); }
  // CR and LF in the text become spaces.
  void Error(std::string_view text);

  void Integer(int64_t value) {
    if (value >= 0 && value < 10) [[likely]] {
      char* to = output_->Reserve(4);
      to[0] = ':', to[1] = static_cast<char>('0' + value), to[2] = '\r', to[3] = '\n';
      output_->Advance(4);
    } else {
      Header(':', value);
    }
  }

  void Bulk(std::string_view bytes) {
    if (output_->room() >= bytes.size() + kMaxHeader + 2) [[likely]] {
      char* const start = output_->Reserve(0);
      char* to = PutHeader(start, '$', static_cast<int64_t>(bytes.size()));
      if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
      to += bytes.size();
      to[0] = '\r', to[1] = '\n';
      output_->Advance(static_cast<size_t>(to + 2 - start));
    } else {
      BulkSlow(bytes);
    }
  }
  // The integer's digits as a bulk string.
  void BulkInteger(int64_t value);

  void Null() { output_->Append(protocol_ == 2 ? std::string_view("$-1\r\n") : std::string_view("_\r\n")); }
  void NullArray() {
    output_->Append(protocol_ == 2 ? std::string_view("*-1\r\n") : std::string_view("_\r\n"));
  }

  // Headers: the caller then writes the n elements (for maps n pairs; RESP2 gets a flat array of 2n).
  void Array(size_t n) { Header('*', static_cast<int64_t>(n)); }
  void Map(size_t n) { protocol_ == 2 ? Array(2 * n) : Header('%', static_cast<int64_t>(n)); }
  void Set(size_t n) { Header(protocol_ == 2 ? '*' : '~', static_cast<int64_t>(n)); }
  void Push(size_t n) { Header(protocol_ == 2 ? '*' : '>', static_cast<int64_t>(n)); }
  // RESP3 only; the caller does not send attributes to RESP2 clients.
  void Attribute(size_t n) { Header('|', static_cast<int64_t>(n)); }

  void Double(double value);
  void Boolean(bool value) {
    output_->Append(protocol_ == 2 ? (value ? std::string_view(":1\r\n") : std::string_view(":0\r\n"))
                                   : (value ? std::string_view("#t\r\n") : std::string_view("#f\r\n")));
  }
  void BigNumber(std::string_view digits) { protocol_ == 2 ? Bulk(digits) : Line('(', digits); }
  // `format` has three letters: "txt" or "mkd".
  void Verbatim(std::string_view text, std::string_view format = "txt");

  // An aggregate whose length is known only after its elements are written. Finish every one, innermost
  // first.
  struct DeferredLength {
    OutputBuffer::Gap gap;
    char kind;
    bool doubled;
  };
  DeferredLength DeferArray() { return Defer('*', false); }
  DeferredLength DeferMap() { return protocol_ == 2 ? Defer('*', true) : Defer('%', false); }
  DeferredLength DeferSet() { return Defer(protocol_ == 2 ? '*' : '~', false); }
  // `n`: elements, or pairs for a map.
  void Finish(const DeferredLength& deferred, size_t n);

  // Longest header: kind, sign, 19 digits, CR LF.
  static constexpr size_t kMaxHeader = 24;

 private:
  static char* PutHeader(char* to, char kind, int64_t value) {
    *to++ = kind;
    if (value >= 0 && value < 10) [[likely]] {
      *to++ = static_cast<char>('0' + value);
    } else if (value >= 10 && value < 100) {
      *to++ = static_cast<char>('0' + value / 10);
      *to++ = static_cast<char>('0' + value % 10);
    } else {
      to = PutDigits(to, value);
    }
    to[0] = '\r', to[1] = '\n';
    return to + 2;
  }
  static char* PutDigits(char* to, int64_t value);

  void Header(char kind, int64_t value) {
    char* const start = output_->Reserve(kMaxHeader);
    output_->Advance(static_cast<size_t>(PutHeader(start, kind, value) - start));
  }
  void Line(char kind, std::string_view text);
  void BulkSlow(std::string_view bytes);
  DeferredLength Defer(char kind, bool doubled) { return {output_->OpenGap(kMaxHeader), kind, doubled}; }

  OutputBuffer* output_;
  int protocol_;
};

}  // namespace hearth::resp
