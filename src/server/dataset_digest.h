// Fingerprints of data, byte for byte those of Redis 7: two servers with the same data give the same ones,
// in whatever order their tables keep it. DEBUG DIGEST and DIGEST-VALUE; tests compare servers by them.
//
// Engine thread only. What has expired but is still there counts; consumer groups of streams do not.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "keyspace/entry.h"
#include "keyspace/keyspace.h"

struct evp_md_ctx_st;
struct evp_md_st;

namespace hearth::server {

// 20 bytes into which data goes in two ways: what is mixed in counts with its place, what is folded in counts
// wherever it comes, and twice the same is nothing.
//
//   Fold(x):  state ^= SHA-1(x)
//   Mix(x):   state = SHA-1(state ^ SHA-1(x))
class Digest {
 public:
  using State = std::array<uint8_t, 20>;

  // The SHA-1 of the texts that it is given, one after the other; shared by the digests of one task.
  class Hasher {
   public:
    Hasher();
    State operator()(std::string_view text);

   private:
    struct Freer {
      void operator()(evp_md_st* algorithm) const;
      void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_st, Freer> algorithm_;
    std::unique_ptr<evp_md_ctx_st, Freer> context_;
  };

  explicit Digest(Hasher& hasher) : hasher_(hasher) {}

  void Fold(std::string_view text);
  void Fold(const Digest& other) { Fold(other.Bytes()); }
  void Mix(std::string_view text);
  // As four bytes, the highest first.
  void MixNumber(uint32_t number);
  // 40 hexadecimal digits.
  std::string Hex() const;

 private:
  std::string_view Bytes() const { return {reinterpret_cast<const char*>(state_.data()), state_.size()}; }

  Hasher& hasher_;
  State state_{};
};

// Of a value with its expiry, but without its key: 40 hexadecimal digits.
std::string ValueDigest(const keyspace::Entry& entry);

// Of everything in all databases.
std::string DatasetDigest(keyspace::Keyspace& keyspace);

}  // namespace hearth::server
