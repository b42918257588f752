using System.Text;
using Auraed.Store.Proof;

namespace Auraed.Tests.Unit.Proof;

/// <summary>RFC 6962's tree: the test vectors of certificate transparency, and every proof of small trees.</summary>
public class MerkleTreeTests
{
    private static readonly string[] Leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    private static readonly string[] Roots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    [Fact]
    public void The_roots_are_those_of_certificate_transparency()
    {
        var range = new CompactRange();
        for (int size = 0; size <= Leaves.Length; size++)
        {
            Assert.Equal(Roots[size], Convert.ToHexStringLower(range.Root()));
            Assert.Equal(Roots[size], Convert.ToHexStringLower(Tree(VectorLeaf).Root(size)));
            if (size < Leaves.Length)
            {
                range.Append(VectorLeaf(size));
            }
        }
    }

    [Theory]
    [InlineData(0, 1, "")]
    [InlineData(0, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(5, 8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    public void The_inclusion_paths_are_those_of_certificate_transparency(long index, long size, string path) =>
        Assert.Equal(path, string.Join(' ', Tree(VectorLeaf).InclusionPath(index, size).Select(Convert.ToHexStringLower)));

    [Theory]
    [InlineData(1, 1, "")]
    [InlineData(1, 8, "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e 6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")]
    [InlineData(6, 8, "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    public void The_consistency_paths_are_those_of_certificate_transparency(long first, long second, string path) =>
        Assert.Equal(path, string.Join(' ', Tree(VectorLeaf).ConsistencyPath(first, second).Select(Convert.ToHexStringLower)));

    [Fact]
    public void Every_proof_of_a_small_tree_holds_and_no_other_does()
    {
        MerkleTree tree = Tree(NumberLeaf);
        for (long size = 1; size <= 70; size++)
        {
            byte[] root = tree.Root(size);
            for (long index = 0; index < size; index++)
            {
                List<byte[]> path = tree.InclusionPath(index, size);
                Assert.True(ProofCheck.Inclusion(NumberLeaf(index), index, size, path, root));
                Assert.False(ProofCheck.Inclusion(NumberLeaf(index + 1), index, size, path, root));
                Assert.False(ProofCheck.Inclusion(NumberLeaf(index), index, size, [.. path, root], root));
                Assert.False(path.Count > 0 && ProofCheck.Inclusion(NumberLeaf(index), index, size, path[1..], root));
                Assert.False(size > 1 && ProofCheck.Inclusion(NumberLeaf(index), (index + 1) % size, size, path, root));
            }

            for (long first = 1; first <= size; first++)
            {
                List<byte[]> path = tree.ConsistencyPath(first, size);
                Assert.True(ProofCheck.Consistency(first, size, tree.Root(first), root, path), $"{first} {size}");
                Assert.False(ProofCheck.Consistency(first, size, tree.Root(first + 1), root, path));
                Assert.False(first < size && ProofCheck.Consistency(first, size, tree.Root(first), root, path[1..]));
                Assert.False(ProofCheck.Consistency(first, size, tree.Root(first), root, [.. path, root]));
            }
        }
    }

    [Fact]
    public void A_range_goes_on_from_its_peaks_and_over_whole_subtrees()
    {
        MerkleTree tree = Tree(NumberLeaf);
        for (long from = 0; from <= 40; from++)
        {
            var start = new CompactRange();
            for (long index = 0; index < from; index++)
            {
                start.Append(NumberLeaf(index));
            }

            for (long to = from; to <= 70; to += 3)
            {
                CompactRange range = CompactRange.From(from, start.Peaks());
                foreach ((int level, long position) in CompactRange.Between(from, to))
                {
                    range.Append(level, Subtree(NumberLeaf, level, position));
                }

                Assert.Equal(to, range.Count);
                Assert.Equal(tree.Root(to), range.Root());
            }
        }
    }

    [Fact]
    public void Peaks_of_another_number_of_leaves_are_refused() => Assert.Throws<ArgumentException>(() => CompactRange.From(3, new byte[32]));

    private static MerkleTree Tree(Func<long, byte[]> leaf) => new((level, position) => Subtree(leaf, level, position));

    private static byte[] Subtree(Func<long, byte[]> leaf, int level, long position) =>
        level == 0 ? leaf(position) : MerkleHash.Node(Subtree(leaf, level - 1, 2 * position), Subtree(leaf, level - 1, (2 * position) + 1));

    private static byte[] VectorLeaf(long index) => Hash(Convert.FromHexString(Leaves[index]));

    private static byte[] NumberLeaf(long index) => Hash(Encoding.UTF8.GetBytes($"{index}"));

    private static byte[] Hash(byte[] data)
    {
        var hash = new byte[MerkleHash.Bytes];
        MerkleHash.Leaf(data, hash);
        return hash;
    }
}
