#include "replication/transfer_payload.h"

#include <gtest/gtest.h>

#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::replication {
namespace {

// Its first byte does not come again, so that its beginnings make no mark when they stand in a row.
const std::string kMark = "z123456789abcdef0123456789abcdef01234567";

// Feeds in pieces of random sizes; gives what stands behind the dataset.
std::string Feed(TransferPayload& payload, std::string_view bytes, Prng& prng, std::string& dataset) {
  while (!payload.is_over() && !bytes.empty()) {
    const std::string_view piece = bytes.substr(0, 1 + prng.Below(90));
    bytes.remove_prefix(payload.Take(piece, dataset));
  }
  return std::string(bytes);
}

TEST(TransferPayload, EndsWhereItsSizeSays) {
  Prng prng(TestSeed());
  for (size_t size = 0; size < 300; ++size) {
    auto payload = TransferPayload::Parse("$" + std::to_string(size));
    ASSERT_TRUE(payload.has_value());
    EXPECT_EQ(payload->size_bytes(), size);
    std::string dataset;
    EXPECT_EQ(Feed(*payload, std::string(size, 'x') + "*1\r\n", prng, dataset), "*1\r\n");
    EXPECT_EQ(dataset, std::string(size, 'x'));
    EXPECT_TRUE(payload->is_over());
  }
}

TEST(TransferPayload, EndsWhereItsMarkStands) {
  Prng prng(TestSeed());
  for (int i = 0; i < 2000; ++i) {
    auto payload = TransferPayload::Parse("$EOF:" + kMark);
    ASSERT_TRUE(payload.has_value());
    EXPECT_EQ(payload->size_bytes(), std::nullopt);
    std::string sent;
    // Beginnings of the mark are no mark.
    for (uint64_t parts = prng.Below(20); parts > 0; --parts) {
      sent += kMark.substr(0, prng.Below(kMark.size())) + std::string(prng.Below(50), 'x');
    }
    std::string dataset;
    EXPECT_EQ(Feed(*payload, sent + kMark + "*1", prng, dataset), "*1");
    EXPECT_TRUE(payload->is_over());
    EXPECT_EQ(dataset, sent);
    EXPECT_EQ(payload->taken_bytes(), sent.size());
  }
}

TEST(TransferPayload, NamesWhatIsNoDataset) {
  EXPECT_EQ(TransferPayload::Parse("-ERR no").error().message,
            "MASTER aborted replication with an error: ERR no");
  for (const char* header : {"", "$", "$-1", "$12x", "$EOF:short", "+OK", "12"}) {
    EXPECT_FALSE(TransferPayload::Parse(header).has_value()) << header;
  }
}

}  // namespace
}  // namespace hearth::replication
