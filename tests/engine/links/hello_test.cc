// SPDX-License-Identifier: Apache-2.0
#include "engine/links/hello.h"

#include <gtest/gtest.h>

namespace trident {
namespace {

const PeerLife kLife{Epoch(1ull << 40), WorkerId(17), Incarnation(5)};

TEST(HelloTest, AWorkerIsKnownByIt) {
  const StatusOr<PeerLife> got = DecodeHello(EncodeHello(kLife));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(*got, kLife);
}

TEST(HelloTest, BytesThatAreNoneAreRefused) {
  const std::string hello = EncodeHello(kLife);
  for (size_t size = 0; size < hello.size(); ++size) {
    EXPECT_EQ(DecodeHello(hello.substr(0, size)).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_FALSE(DecodeHello(hello + "x").ok());
  std::string another = hello;
  another[3] ^= 1;
  EXPECT_FALSE(DecodeHello(another).ok());
  EXPECT_FALSE(DecodeHello(std::string(1 << 20, 'x')).ok());
}

}  // namespace
}  // namespace trident
