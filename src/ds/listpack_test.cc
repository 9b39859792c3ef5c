#include "ds/listpack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::vector<std::string> Forward(ListpackView view) {
  std::vector<std::string> elements;
  for (auto at = view.First(); at != ListpackView::kNone; at = view.Next(at))
    elements.push_back(view.Get(at).ToString());
  return elements;
}

std::vector<std::string> Backward(ListpackView view) {
  std::vector<std::string> elements;
  for (auto at = view.Last(); at != ListpackView::kNone; at = view.Previous(at)) {
    elements.push_back(view.Get(at).ToString());
  }
  std::reverse(elements.begin(), elements.end());
  return elements;
}

// The elements that RPUSH got and the listpack that DUMP showed, from Redis 7.0.15.
const std::vector<std::string> kGoldenElements = {"0",
                                                  "127",
                                                  "128",
                                                  "-1",
                                                  "4095",
                                                  "-4096",
                                                  "4096",
                                                  "-4097",
                                                  "32767",
                                                  "-32768",
                                                  "32768",
                                                  "-32769",
                                                  "8388607",
                                                  "-8388608",
                                                  "8388608",
                                                  "-8388609",
                                                  "2147483647",
                                                  "-2147483648",
                                                  "2147483648",
                                                  "-2147483649",
                                                  "9223372036854775807",
                                                  "-9223372036854775808",
                                                  "",
                                                  "a",
                                                  "hello",
                                                  "-0",
                                                  "007",
                                                  "+1",
                                                  "9223372036854775808",
                                                  std::string(63, 'x'),
                                                  std::string(64, 'y')};

std::string GoldenBytes() {
  return FromHex(
             "2d0100001f0000017f01c08002dfff02cfff02d00002f1001003f1ffef03f1ff7f03f1008003f200800004f2ff7fff0"
             "4f2ffff7f04"
             "f200008004f30000800005f3ffff7fff05f3ffffff7f05f30000008005f4000000800000000009f4ffffff7ffffffff"
             "f09f4ffffff"
             "ffffffff7f09f400000000000000800980018161028568656c6c6f06822d30038330303704822b31039339323233333"
             "73230333638"
             "353437373538303814bf") +
         std::string(63, 'x') + FromHex("40e040") + std::string(64, 'y') + FromHex("42ff");
}

TEST(Listpack, HasTheBytesOfRedis) {
  Listpack pack;
  for (const auto& element : kGoldenElements) pack.Append(element);
  EXPECT_EQ(pack.View().Raw(), GoldenBytes());
}

TEST(Listpack, ReadsTheBytesOfRedis) {
  const std::string golden = GoldenBytes();
  const Listpack pack = Listpack::Copy(golden);
  EXPECT_TRUE(ValidateListpack(golden, true));
  EXPECT_EQ(Forward(pack.View()), kGoldenElements);
  EXPECT_EQ(Backward(pack.View()), kGoldenElements);
}

// Size of the text, the encoding in front of it and the backward length behind it, from DUMPs of
// Redis 7.0.15.
TEST(Listpack, ChangesItsLengthFieldsWhereRedisDoes) {
  const std::tuple<size_t, const char*, const char*> cases[] = {
      {126, "e07e", "0180"},           {127, "e07f", "0181"},           {128, "e080", "0182"},
      {4095, "efff", "2081"},          {4096, "f000100000", "2085"},    {16380, "f0fc3f0000", "018081"},
      {16381, "f0fd3f0000", "018082"}, {16383, "f0ff3f0000", "018084"},
  };
  for (const auto& [size, front, back] : cases) {
    Listpack pack;
    const std::string text(size, 'x');
    pack.Append(text);
    EXPECT_EQ(pack.View().Raw().substr(6), FromHex(front) + text + FromHex(back) + "\xff") << size;
    EXPECT_EQ(pack.View().Previous(pack.TotalBytes() - 1), 6u) << size;
    EXPECT_EQ(Listpack::EntryBytes(text), pack.TotalBytes() - Listpack::kEmptyBytes);
  }
}

TEST(Listpack, CountsPast65534ElementsByWalking) {
  Listpack pack;
  for (int64_t i = 0; i < 70000; ++i) pack.Append(i % 100);
  EXPECT_EQ(LoadLittle<uint16_t>(pack.bytes() + 4), 65535);
  EXPECT_EQ(pack.Length(), 70000u);
  EXPECT_TRUE(ValidateListpack(pack.View().Raw(), true));
  EXPECT_EQ(pack.View().Get(pack.View().Seek(-1)).number, 99);
  EXPECT_EQ(pack.View().Get(pack.View().Seek(12345)).number, 45);
  EXPECT_EQ(pack.View().Seek(70000), Listpack::kNone);
  EXPECT_EQ(pack.View().Seek(-70001), Listpack::kNone);
  EXPECT_EQ(pack.DeleteRange(10, 69990), 69990u);
  EXPECT_EQ(pack.Length(), 10u);
}

TEST(Listpack, FindsFieldsButNotValues) {
  Listpack pack;
  for (const char* element : {"a", "b", "b", "17", "17", "c", "x", "17"}) pack.Append(element);
  const ListpackView view = pack.View();
  EXPECT_EQ(view.Find("b", view.First(), 1), view.Seek(2));
  EXPECT_EQ(view.Find("17", view.First(), 1), view.Seek(4));
  EXPECT_EQ(view.Find("17", view.First(), 0), view.Seek(3));
  EXPECT_EQ(view.Find("c", view.First(), 1), ListpackView::kNone);
  EXPECT_EQ(view.Find("017", view.First(), 0), ListpackView::kNone);
  EXPECT_TRUE(view.Equals(view.Seek(3), "17"));
  EXPECT_FALSE(view.Equals(view.Seek(3), "+17"));
}

TEST(Listpack, SurvivesReleaseAndAdopt) {
  Listpack pack;
  pack.Append("one");
  uint8_t* bytes = pack.Release();
  Listpack adopted = Listpack::Adopt(bytes);
  adopted.Append(int64_t{2});
  EXPECT_EQ(Forward(adopted.View()), (std::vector<std::string>{"one", "2"}));
}

TEST(ValidateListpack, RefusesBrokenBytes) {
  const std::string golden = GoldenBytes();
  EXPECT_FALSE(ValidateListpack("", true));
  EXPECT_FALSE(ValidateListpack(golden.substr(0, golden.size() - 1), true));
  EXPECT_FALSE(ValidateListpack(golden + "\xff", true));
  std::string wrong_count = golden;
  wrong_count[4] = 30;
  EXPECT_FALSE(ValidateListpack(wrong_count, true));
  EXPECT_TRUE(ValidateListpack(wrong_count, false));
  // An entry that claims to reach behind the end, unknown encodings, and a wrong backward length.
  EXPECT_FALSE(ValidateListpack(FromHex("0a0000000100bf6102ff"), true));
  EXPECT_FALSE(ValidateListpack(FromHex("0a0000000100f50001ff"), true));
  EXPECT_FALSE(ValidateListpack(FromHex("0a0000000100816103ff"), true));
  EXPECT_FALSE(ValidateListpack(FromHex("0e0000000100f0ffffffff0180ff"), true));
  EXPECT_TRUE(ValidateListpack(FromHex("0a0000000100816102ff"), true));
}

TEST(ValidateListpack, LetsTheCallerRefuseElements) {
  int seen = 0;
  EXPECT_FALSE(ValidateListpack(GoldenBytes(), true, [&](const ListpackValue& value) {
    ++seen;
    return value.is_number;
  }));
  EXPECT_EQ(seen, 23);
}

TEST(ValidateListpack, NoChangedByteMakesReadingUnsafe) {
  Prng prng(TestSeed());
  const std::string golden = GoldenBytes();
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = golden;
    bytes[prng.Below(bytes.size())] = static_cast<char>(prng.Next());
    if (!ValidateListpack(bytes, true)) continue;
    const ListpackView view(reinterpret_cast<const uint8_t*>(bytes.data()));
    EXPECT_EQ(Forward(view), Backward(view));
  }
}

std::string RandomElement(Prng& prng) {
  switch (prng.Below(4)) {
    case 0:
      return hearth::ToString(static_cast<int64_t>(prng.Next()) >> prng.Below(64));
    case 1:
      return std::string(prng.Below(5), 'a');
    case 2:
      return std::string(prng.Below(200), static_cast<char>('a' + prng.Below(3)));
    default:
      return prng.Below(50) == 0 ? std::string(prng.Below(20000), 'z')
                                 : hearth::ToString(static_cast<int64_t>(prng.Below(20)));
  }
}

// Plays random changes on a listpack and on a vector, which must stay equal.
class ListpackModel {
 public:
  explicit ListpackModel(uint64_t seed) : prng_(seed) {}

  void Step() {
    const std::string element = RandomElement(prng_);
    if (model_.empty() || prng_.Below(100) < 40) {
      AddAtEnd(element);
    } else {
      ChangeAt(prng_.Below(model_.size()), element);
    }
  }

  void Check() {
    ASSERT_TRUE(ValidateListpack(pack_.View().Raw(), true));
    ASSERT_EQ(Forward(pack_.View()), model_);
    ASSERT_EQ(Backward(pack_.View()), model_);
    ASSERT_EQ(pack_.Length(), model_.size());
    if (model_.empty()) return;
    const size_t index = prng_.Below(model_.size());
    const auto at = pack_.View().Find(model_[index], pack_.View().First(), 0);
    ASSERT_EQ(at, pack_.View().Seek(std::find(model_.begin(), model_.end(), model_[index]) - model_.begin()));
  }

 private:
  void AddAtEnd(const std::string& element) {
    if (prng_.Below(2) == 0) {
      pack_.Append(element);
      model_.push_back(element);
    } else {
      pack_.Prepend(element);
      model_.insert(model_.begin(), element);
    }
  }

  void ChangeAt(size_t index, const std::string& element) {
    const auto place = model_.begin() + static_cast<ptrdiff_t>(index);
    const bool from_end = prng_.Below(2) == 0;
    const int64_t seek = static_cast<int64_t>(index) - (from_end ? static_cast<int64_t>(model_.size()) : 0);
    const auto at = pack_.View().Seek(seek);
    switch (prng_.Below(7)) {
      case 0:
        ExpectElement(pack_.InsertBefore(at, element), element);
        model_.insert(place, element);
        break;
      case 1:
        ExpectElement(pack_.InsertAfter(at, element), element);
        model_.insert(place + 1, element);
        break;
      case 2:
        ExpectElement(pack_.Replace(at, element), element);
        *place = element;
        break;
      case 3:
        Delete(at, index);
        break;
      case 4: {
        const size_t count = prng_.Below(5);
        const size_t removed = std::min(count, model_.size() - index);
        EXPECT_EQ(pack_.DeleteRange(seek, count), removed);
        model_.erase(place, place + static_cast<ptrdiff_t>(removed));
        break;
      }
      case 5:
        SplitAndJoin(at, index);
        break;
      default:
        Delete(at, index);
    }
  }

  void ExpectElement(Listpack::Position at, const std::string& element) {
    EXPECT_TRUE(pack_.View().Equals(at, element));
  }

  void Delete(Listpack::Position at, size_t index) {
    const auto next = pack_.Delete(at);
    model_.erase(model_.begin() + static_cast<ptrdiff_t>(index));
    if (index == model_.size()) {
      EXPECT_EQ(next, Listpack::kNone);
    } else {
      EXPECT_TRUE(pack_.View().Equals(next, model_[index]));
    }
  }

  void SplitAndJoin(Listpack::Position at, size_t index) {
    Listpack rest = pack_.SplitOff(at);
    EXPECT_EQ(pack_.Length(), index);
    EXPECT_EQ(rest.Length(), model_.size() - index);
    if (prng_.Below(2) == 0) {
      pack_.AppendAll(rest.View());
    } else {
      rest.PrependAll(pack_.View());
      pack_ = std::move(rest);
    }
  }

  Prng prng_;
  Listpack pack_;
  std::vector<std::string> model_;
};

TEST(Listpack, BehavesLikeAVector) {
  ListpackModel model(TestSeed());
  for (int i = 0; i < 4000 && !testing::Test::HasFatalFailure(); ++i) {
    model.Step();
    model.Check();
  }
}

TEST(Listpack, GivesMemoryBackWhenItShrinks) {
  Listpack pack;
  for (int i = 0; i < 1000; ++i) pack.Append("some text of a length");
  const size_t large = pack.MemoryBytes();
  EXPECT_LT(large, pack.TotalBytes() * 5 / 4 + 64);
  while (pack.Length() > 1) pack.Delete(pack.View().First());
  EXPECT_LT(pack.MemoryBytes(), 64u);
}

}  // namespace
}  // namespace hearth::ds
