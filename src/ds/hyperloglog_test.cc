#include "ds/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/prng.h"
#include "base/test_seed.h"

namespace hearth::ds {
namespace {

// Adds by way of the plans, as the command does; false if nothing changed.
bool Add(std::string& sketch, HllObservation observation, size_t max_bytes = 3000) {
  if (!IsDenseHll(sketch)) {
    const SparseHllEdit edit = PlanSparseHll(sketch, observation, max_bytes);
    if (edit.kind == SparseHllEdit::Kind::kNone) return false;
    if (edit.kind == SparseHllEdit::Kind::kReplace) {
      const size_t size = sketch.size();
      sketch.resize(size + 4);
      sketch.resize(ApplySparseHll(sketch.data(), size, edit));
      ForgetHllCount(sketch.data());
      return true;
    }
    HllRegisters registers;
    EXPECT_TRUE(ReadHll(sketch, registers));
    std::string dense(kHllDenseBytes, '\0');
    WriteDenseHll(sketch, registers, dense.data());
    sketch = dense;
  }
  return RaiseDenseHll(sketch.data(), observation);
}

TEST(HyperLogLogTest, HoldsWhatAnArrayOfRegistersHolds) {
  Prng random(TestSeed());
  for (size_t max_bytes : {size_t{0}, size_t{200}, size_t{3000}, size_t{20000}}) {
    std::string sketch(EmptyHll());
    HllRegisters expected = {};
    for (int i = 0; i < 6000; ++i) {
      // Neighbours are frequent, so that runs are split and joined; high ranks come late.
      const HllObservation observation{static_cast<uint32_t>(random.Below(i % 2 == 0 ? 200 : kHllRegisters)),
                                       static_cast<uint8_t>(1 + random.Below(i < 5000 ? 3 : 51))};
      const bool raises = expected[observation.index] < observation.rank;
      if (raises) expected[observation.index] = observation.rank;
      ASSERT_EQ(Add(sketch, observation, max_bytes), raises);
      ASSERT_TRUE(IsHll(sketch));
      if (i % 64 == 0 || i > 5990) {
        HllRegisters registers;
        ASSERT_TRUE(ReadHll(sketch, registers));
        ASSERT_EQ(registers, expected);
        ASSERT_EQ(EstimateHll(sketch), EstimateHll(registers));
      }
    }
    EXPECT_TRUE(IsDenseHll(sketch));
  }
}

TEST(HyperLogLogTest, EstimatesWithinFiveStandardErrors) {
  std::string sketch(EmptyHll());
  uint64_t next = 1;
  for (uint64_t n = 1; n <= 200000; ++n) {
    Add(sketch, ObserveHll("element " + std::to_string(n)));
    if (n < next) continue;
    const double error = std::abs(static_cast<double>(*EstimateHll(sketch)) - static_cast<double>(n));
    EXPECT_LE(error, 1 + 5 * 1.04 / std::sqrt(kHllRegisters) * static_cast<double>(n)) << n;
    next *= 3;
  }
}

TEST(HyperLogLogTest, TheCachedCountIsForgottenAndStored) {
  std::string sketch(EmptyHll());
  EXPECT_EQ(CachedHllCount(sketch), 0u);
  Add(sketch, {5, 1});
  EXPECT_EQ(CachedHllCount(sketch), std::nullopt);
  StoreHllCount(sketch.data(), 77);
  EXPECT_EQ(CachedHllCount(sketch), 77u);
}

TEST(HyperLogLogTest, MergeTakesTheHigherOfEachRegister) {
  std::string sparse(EmptyHll());
  Add(sparse, {3, 7});
  Add(sparse, {16383, 2});
  std::string dense(EmptyHll());
  Add(dense, {3, 40});
  Add(dense, {8, 1});
  ASSERT_TRUE(IsDenseHll(dense));
  HllRegisters registers = {};
  EXPECT_TRUE(MergeHll(sparse, registers));
  EXPECT_TRUE(MergeHll(dense, registers));
  EXPECT_EQ(registers[3], 40);
  EXPECT_EQ(registers[8], 1);
  EXPECT_EQ(registers[16383], 2);
  EXPECT_EQ(registers[16382], 0);
}

TEST(HyperLogLogTest, CorruptOpcodesAreFoundOut) {
  HllRegisters registers;
  const std::string header(EmptyHll().substr(0, kHllHeaderBytes));
  for (std::string opcodes : {std::string(), std::string("\x7f"), std::string("\x7f\xfe"),
                              std::string("\x7f\xff\x00", 3), std::string("\x80\x7f\xff")}) {
    const std::string sketch = header + opcodes;
    EXPECT_TRUE(IsHll(sketch));
    EXPECT_FALSE(ReadHll(sketch, registers));
    EXPECT_FALSE(MergeHll(sketch, registers));
    EXPECT_EQ(EstimateHll(sketch), std::nullopt);
  }
  EXPECT_EQ(PlanSparseHll(header + "\x7f", {9, 1}, 3000).kind, SparseHllEdit::Kind::kCorrupt);
  EXPECT_EQ(PlanSparseHll(header + "\x7f\xfe", {16383, 1}, 3000).kind, SparseHllEdit::Kind::kCorrupt);
  EXPECT_FALSE(IsHll("HYLL"));
  EXPECT_FALSE(IsHll(header.substr(0, 4) + '\x02' + header.substr(5)));
  EXPECT_FALSE(IsHll(header.substr(0, 4) + '\x00' + header.substr(5)));
}

TEST(HyperLogLogTest, RandomBytesNeverLeadBeyondTheSketch) {
  Prng random(TestSeed());
  for (int round = 0; round < 3000; ++round) {
    std::string sketch(EmptyHll().substr(0, kHllHeaderBytes));
    const size_t opcodes = random.Below(200);
    for (size_t i = 0; i < opcodes; ++i) sketch.push_back(static_cast<char>(random.Next()));
    HllRegisters registers;
    (void)ReadHll(sketch, registers);
    (void)EstimateHll(sketch);
    DescribeSparseHll(sketch);
    const HllObservation observation{static_cast<uint32_t>(random.Below(kHllRegisters)),
                                     static_cast<uint8_t>(1 + random.Below(51))};
    const SparseHllEdit edit = PlanSparseHll(sketch, observation, 3000);
    if (edit.kind != SparseHllEdit::Kind::kReplace) continue;
    const size_t size = sketch.size();
    sketch.resize(size + 4);
    EXPECT_LE(ApplySparseHll(sketch.data(), size, edit), size + 4);
  }
}

TEST(HyperLogLogTest, DescribesOpcodesInWords) {
  std::string sketch(EmptyHll());
  EXPECT_EQ(DescribeSparseHll(sketch), "Z:16384");
  Add(sketch, {10, 3});
  EXPECT_EQ(DescribeSparseHll(sketch), "z:10 v:3,1 Z:16373");
  Add(sketch, {11, 3});
  EXPECT_EQ(DescribeSparseHll(sketch), "z:10 v:3,2 Z:16372");
}

}  // namespace
}  // namespace hearth::ds
