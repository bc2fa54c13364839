// SPDX-License-Identifier: Apache-2.0
//
// RunProgram with a function that cannot build its topology.
#include "trident/run/program.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "trident/topology.h"

namespace trident {
namespace {

struct End {
  int code;
  std::string said;
};

End RunWith(StatusOr<Topology> (*build)(const ProgramArgs&)) {
  std::string name = "words", run = "run";
  char* argv[] = {name.data(), run.data(), nullptr};
  testing::internal::CaptureStderr();
  const int code = RunProgram(2, argv, {.name = "words", .build = build});
  return {code, testing::internal::GetCapturedStderr()};
}

TEST(ProgramTest, ABuildThatThrowsEndsTheProgramWithWhatItThrew) {
  const End thrown = RunWith(
      [](const ProgramArgs&) -> StatusOr<Topology> { throw std::runtime_error("no such table"); });
  EXPECT_EQ(thrown.code, 2);
  EXPECT_EQ(thrown.said, "words: the function that builds the topology threw: no such table\n");
  const End number = RunWith([](const ProgramArgs&) -> StatusOr<Topology> { throw 7; });
  EXPECT_EQ(number.code, 2);
  EXPECT_EQ(number.said, "words: the function that builds the topology threw no std::exception\n");
}

TEST(ProgramTest, ABuildThatReturnsAnErrorEndsTheProgramWithIt) {
  const End end = RunWith([](const ProgramArgs&) -> StatusOr<Topology> {
    return InvalidArgument("--from must lie before --to");
  });
  EXPECT_EQ(end.code, 2);
  EXPECT_EQ(end.said, "words: --from must lie before --to\n");
}

TEST(ProgramTest, ANumberThatIsNoneNamesItsOption) {
  ProgramArgs args;
  args.Add("patience", "60");
  EXPECT_EQ(args.Number("patience", 0, 100).value(), 60u);
  EXPECT_EQ(args.Number("patience", 0, 59).status().message(),
            "--patience: expected a whole number from 0 to 59, found '60'");
  args.Add("patience", "soon");
  EXPECT_EQ(args.Number("patience", 0, 100).status().message(),
            "--patience: expected a whole number from 0 to 100, found 'soon'");
}

}  // namespace
}  // namespace trident
