// CPU kernels of the training step, for the operations that cost PyTorch the most memory traffic.
//
// Each has a plain PyTorch version in `plain_operations.py`, which is its oracle in the tests.
// Rows are points or neighbour slots, columns are channels. Storage is f32 or bfloat16; sums are f32
// inside a chunk of rows and f64 across chunks. The number of chunks does not depend on the number of
// threads, so neither does the result.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

constexpr int64_t CHUNKS = 64;

struct bfloat16 {
    uint16_t bits;
};

inline float load(const float* p) { return *p; }
inline float load(const bfloat16* p) {
    uint32_t bits = static_cast<uint32_t>(p->bits) << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
inline void store(float* p, float value) { *p = value; }
inline void store(bfloat16* p, float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    // Round to nearest, ties to even. NaN keeps its exponent, and so stays NaN or becomes infinite.
    p->bits = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

template <int C>
struct Moments {
    alignas(64) float sum[C];
    alignas(64) float square[C];
};

// Adds up per-chunk sums in a fixed order.
template <int C>
void reduce(const std::vector<Moments<C>>& parts, double* sum, double* square) {
    for (int c = 0; c < C; ++c) sum[c] = square[c] = 0.0;
    for (const auto& part : parts)
        for (int c = 0; c < C; ++c) {
            sum[c] += part.sum[c];
            square[c] += part.square[c];
        }
}

inline std::pair<int64_t, int64_t> chunk_range(int64_t rows, int64_t chunk) {
    return {rows * chunk / CHUNKS, rows * (chunk + 1) / CHUNKS};
}

template <int C>
void finish_moments(const std::vector<Moments<C>>& parts, const float* pivot, int64_t rows, float* mean, float* variance) {
    double sum[C], square[C];
    reduce<C>(parts, sum, square);
    for (int c = 0; c < C; ++c) {
        double shifted = sum[c] / rows;
        mean[c] = static_cast<float>(shifted + pivot[c]);
        variance[c] = static_cast<float>(std::max(0.0, square[c] / rows - shifted * shifted));
    }
}

// ---- batch normalisation of stored rows ------------------------------------------------------------

template <typename T, int C>
void moments(const T* z, int64_t rows, float* mean, float* variance) {
    alignas(64) float pivot[C];
    for (int c = 0; c < C; ++c) pivot[c] = load(z + c);
    std::vector<Moments<C>> parts(CHUNKS);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(rows, chunk);
        Moments<C> m{};
        for (int64_t r = first; r < last; ++r)
            for (int c = 0; c < C; ++c) {
                float v = load(z + r * C + c) - pivot[c];
                m.sum[c] += v;
                m.square[c] += v * v;
            }
        parts[chunk] = m;
    }
    finish_moments<C>(parts, pivot, rows, mean, variance);
}

// `max(value, 0)` in this order lets NaN through: trouble must show in the loss, not turn into zeros.
template <typename T, int C>
void scale_relu(const T* z, int64_t rows, const float* scale, const float* shift, T* y) {
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(rows, chunk);
        for (int64_t r = first; r < last; ++r)
            for (int c = 0; c < C; ++c)
                store(y + r * C + c, std::max(scale[c] * load(z + r * C + c) + shift[c], 0.0f));
    }
}

// Turns Σg and Σg·ẑ into the gradients of beta and gamma and the two constants of the BN gradient.
template <int C>
void finish_gradient(const std::vector<Moments<C>>& parts, int64_t rows, float* dgamma, float* dbeta, float* mean_g, float* mean_gz) {
    double sum[C], product[C];
    reduce<C>(parts, sum, product);
    for (int c = 0; c < C; ++c) {
        dbeta[c] = static_cast<float>(sum[c]);
        dgamma[c] = static_cast<float>(product[c]);
        mean_g[c] = static_cast<float>(sum[c] / rows);
        mean_gz[c] = static_cast<float>(product[c] / rows);
    }
}

template <typename T, int C>
void bn_relu_backward(const T* dy, const T* z, int64_t rows, const float* scale, const float* shift, const float* mean,
                      const float* inverse_std, float* dgamma, float* dbeta, T* dz) {
    std::vector<Moments<C>> parts(CHUNKS);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(rows, chunk);
        Moments<C> m{};
        for (int64_t r = first; r < last; ++r)
            for (int c = 0; c < C; ++c) {
                float v = load(z + r * C + c);
                float g = scale[c] * v + shift[c] > 0.0f ? load(dy + r * C + c) : 0.0f;
                m.sum[c] += g;
                m.square[c] += g * (v - mean[c]) * inverse_std[c];
            }
        parts[chunk] = m;
    }
    alignas(64) float mean_g[C], mean_gz[C];
    finish_gradient<C>(parts, rows, dgamma, dbeta, mean_g, mean_gz);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(rows, chunk);
        for (int64_t r = first; r < last; ++r)
            for (int c = 0; c < C; ++c) {
                float v = load(z + r * C + c);
                float g = scale[c] * v + shift[c] > 0.0f ? load(dy + r * C + c) : 0.0f;
                store(dz + r * C + c, scale[c] * (g - mean_g[c] - (v - mean[c]) * inverse_std[c] * mean_gz[c]));
            }
    }
}

// ---- first layer of a set abstraction: rows are source[index] − centre, never stored ----------------

template <int C>
void group_moments(const float* source, const float* centre, const int32_t* index, int64_t points, int64_t slots, float* mean,
                   float* variance) {
    alignas(64) float pivot[C];
    for (int c = 0; c < C; ++c) pivot[c] = source[static_cast<int64_t>(index[0]) * C + c] - centre[c];
    std::vector<Moments<C>> parts(CHUNKS);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        Moments<C> m{};
        for (int64_t p = first; p < last; ++p) {
            alignas(64) float offset[C];
            for (int c = 0; c < C; ++c) offset[c] = centre[p * C + c] + pivot[c];
            for (int64_t s = 0; s < slots; ++s) {
                const float* row = source + static_cast<int64_t>(index[p * slots + s]) * C;
                for (int c = 0; c < C; ++c) {
                    float v = row[c] - offset[c];
                    m.sum[c] += v;
                    m.square[c] += v * v;
                }
            }
        }
        parts[chunk] = m;
    }
    finish_moments<C>(parts, pivot, points * slots, mean, variance);
}

template <typename T, int C>
void group_relu(const float* source, const float* centre, const int32_t* index, int64_t points, int64_t slots, const float* scale,
                const float* shift, T* y) {
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        for (int64_t p = first; p < last; ++p)
            for (int64_t s = 0; s < slots; ++s) {
                const float* row = source + static_cast<int64_t>(index[p * slots + s]) * C;
                T* out = y + (p * slots + s) * C;
                for (int c = 0; c < C; ++c) store(out + c, std::max(scale[c] * (row[c] - centre[p * C + c]) + shift[c], 0.0f));
            }
    }
}

template <typename T, int C>
void group_backward(const T* dy, const float* source, const float* centre, const int32_t* index, int64_t blocks, int64_t points,
                    int64_t slots, const float* scale, const float* shift, const float* mean, const float* inverse_std,
                    float* dgamma, float* dbeta, float* dsource, float* dcentre) {
    std::vector<Moments<C>> parts(CHUNKS);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        Moments<C> m{};
        for (int64_t p = first; p < last; ++p)
            for (int64_t s = 0; s < slots; ++s) {
                const float* row = source + static_cast<int64_t>(index[p * slots + s]) * C;
                const T* g_row = dy + (p * slots + s) * C;
                for (int c = 0; c < C; ++c) {
                    float v = row[c] - centre[p * C + c];
                    float g = scale[c] * v + shift[c] > 0.0f ? load(g_row + c) : 0.0f;
                    m.sum[c] += g;
                    m.square[c] += g * (v - mean[c]) * inverse_std[c];
                }
            }
        parts[chunk] = m;
    }
    alignas(64) float mean_g[C], mean_gz[C];
    finish_gradient<C>(parts, points * slots, dgamma, dbeta, mean_g, mean_gz);
    // A block's neighbours all lie in that block: scattering block by block needs no locks.
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t block = 0; block < blocks; ++block)
        for (int64_t p = points * block / blocks; p < points * (block + 1) / blocks; ++p) {
            alignas(64) float total[C] = {};
            for (int64_t s = 0; s < slots; ++s) {
                int64_t from = static_cast<int64_t>(index[p * slots + s]) * C;
                const T* g_row = dy + (p * slots + s) * C;
                for (int c = 0; c < C; ++c) {
                    float v = source[from + c] - centre[p * C + c];
                    float g = scale[c] * v + shift[c] > 0.0f ? load(g_row + c) : 0.0f;
                    float d = scale[c] * (g - mean_g[c] - (v - mean[c]) * inverse_std[c] * mean_gz[c]);
                    dsource[from + c] += d;
                    total[c] += d;
                }
            }
            for (int c = 0; c < C; ++c) dcentre[p * C + c] = -total[c];
        }
}

// ---- last layer of a set abstraction: BN, ReLU and the maximum over slots ---------------------------

// BN followed by ReLU is monotone per channel, rising or falling with the sign of gamma. So the maximum
// is taken of sign·z, before the statistics are known, and the normalised rows are never written.
template <typename T, int C>
void pool_forward(const T* z, int64_t points, int64_t slots, const float* sign, float* mean, float* variance, T* picked,
                  uint8_t* slot) {
    alignas(64) float pivot[C];
    for (int c = 0; c < C; ++c) pivot[c] = load(z + c);
    std::vector<Moments<C>> parts(CHUNKS);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        Moments<C> m{};
        for (int64_t p = first; p < last; ++p) {
            alignas(64) float best[C];
            alignas(64) int32_t where[C] = {};
            for (int c = 0; c < C; ++c) best[c] = -INFINITY;
            for (int64_t s = 0; s < slots; ++s) {
                const T* row = z + (p * slots + s) * C;
                for (int c = 0; c < C; ++c) {
                    float raw = load(row + c), v = raw - pivot[c], signed_value = raw * sign[c];
                    m.sum[c] += v;
                    m.square[c] += v * v;
                    bool better = signed_value > best[c];
                    best[c] = better ? signed_value : best[c];
                    where[c] = better ? static_cast<int32_t>(s) : where[c];
                }
            }
            for (int c = 0; c < C; ++c) {
                store(picked + p * C + c, best[c] * sign[c]);
                slot[p * C + c] = static_cast<uint8_t>(where[c]);
            }
        }
        parts[chunk] = m;
    }
    finish_moments<C>(parts, pivot, points * slots, mean, variance);
}

template <typename T, int C>
void pool_backward(const T* dy, const T* z, const T* picked, const uint8_t* slot, int64_t points, int64_t slots, const float* scale,
                   const float* shift, const float* mean, const float* inverse_std, float* dgamma, float* dbeta, T* dz) {
    std::vector<Moments<C>> parts(CHUNKS);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        Moments<C> m{};
        for (int64_t p = first; p < last; ++p)
            for (int c = 0; c < C; ++c) {
                float v = load(picked + p * C + c);
                float g = scale[c] * v + shift[c] > 0.0f ? load(dy + p * C + c) : 0.0f;
                m.sum[c] += g;
                m.square[c] += g * (v - mean[c]) * inverse_std[c];
            }
        parts[chunk] = m;
    }
    alignas(64) float mean_g[C], mean_gz[C];
    finish_gradient<C>(parts, points * slots, dgamma, dbeta, mean_g, mean_gz);
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        for (int64_t p = first; p < last; ++p) {
            alignas(64) float g[C];
            alignas(64) int32_t where[C];
            for (int c = 0; c < C; ++c) {
                float v = load(picked + p * C + c);
                g[c] = scale[c] * v + shift[c] > 0.0f ? load(dy + p * C + c) : 0.0f;
                where[c] = slot[p * C + c];
            }
            for (int64_t s = 0; s < slots; ++s) {
                const T* row = z + (p * slots + s) * C;
                T* out = dz + (p * slots + s) * C;
                for (int c = 0; c < C; ++c) {
                    float own = where[c] == static_cast<int32_t>(s) ? g[c] : 0.0f;
                    float zhat = (load(row + c) - mean[c]) * inverse_std[c];
                    store(out + c, scale[c] * (own - mean_g[c] - zhat * mean_gz[c]));
                }
            }
        }
    }
}

// ---- interpolation from a coarse level, added to the skip rows --------------------------------------

template <typename T, int C>
void interpolate_forward(const T* coarse, const int32_t* index, const float* weight, const T* skip, int64_t rows, T* out) {
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(rows, chunk);
        for (int64_t r = first; r < last; ++r) {
            const T* a = coarse + static_cast<int64_t>(index[r * 3]) * C;
            const T* b = coarse + static_cast<int64_t>(index[r * 3 + 1]) * C;
            const T* d = coarse + static_cast<int64_t>(index[r * 3 + 2]) * C;
            float wa = weight[r * 3], wb = weight[r * 3 + 1], wd = weight[r * 3 + 2];
            for (int c = 0; c < C; ++c)
                store(out + r * C + c, wa * load(a + c) + wb * load(b + c) + wd * load(d + c) + load(skip + r * C + c));
        }
    }
}

template <typename T, int C>
void interpolate_backward(const T* dout, const int32_t* index, const float* weight, int64_t blocks, int64_t rows, float* dcoarse) {
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t block = 0; block < blocks; ++block)
        for (int64_t r = rows * block / blocks; r < rows * (block + 1) / blocks; ++r)
            for (int k = 0; k < 3; ++k) {
                float* to = dcoarse + static_cast<int64_t>(index[r * 3 + k]) * C;
                float w = weight[r * 3 + k];
                for (int c = 0; c < C; ++c) to[c] += w * load(dout + r * C + c);
            }
}

// ---- depthwise convolution: gathered rows, each times its own weights, summed over slots ------------

template <typename T, int C>
void weighted_sum_forward(const T* weight, const float* bias, const T* feature, const int32_t* index, int64_t points, int64_t slots,
                          float* out) {
#pragma omp parallel for schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; ++chunk) {
        auto [first, last] = chunk_range(points, chunk);
        for (int64_t p = first; p < last; ++p) {
            alignas(64) float total[C] = {};
            for (int64_t s = 0; s < slots; ++s) {
                const T* w = weight + (p * slots + s) * C;
                const T* row = feature + static_cast<int64_t>(index[p * slots + s]) * C;
                for (int c = 0; c < C; ++c) total[c] += (load(w + c) + bias[c]) * load(row + c);
            }
            std::memcpy(out + p * C, total, sizeof(total));
        }
    }
}

// `dfeature` starts at zero. Blocks run side by side; a block's neighbours all lie in that block. The gradient
// of the bias is added up per block, in the order of the blocks.
template <typename T, int C>
void weighted_sum_backward(const float* dout, const T* weight, const float* bias, const T* feature, const int32_t* index,
                           int64_t blocks, int64_t points, int64_t slots, T* dweight, float* dbias, float* dfeature) {
    std::vector<float> parts(static_cast<size_t>(blocks) * C, 0.0f);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t block = 0; block < blocks; ++block) {
        float* part = parts.data() + block * C;
        for (int64_t p = points * block / blocks; p < points * (block + 1) / blocks; ++p) {
            const float* g = dout + p * C;
            for (int64_t s = 0; s < slots; ++s) {
                const int64_t from = static_cast<int64_t>(index[p * slots + s]) * C;
                const T* w = weight + (p * slots + s) * C;
                T* dw = dweight + (p * slots + s) * C;
                for (int c = 0; c < C; ++c) {
                    const float d = g[c] * load(feature + from + c);
                    store(dw + c, d);
                    part[c] += d;
                    dfeature[from + c] += g[c] * (load(w + c) + bias[c]);
                }
            }
        }
    }
    for (int c = 0; c < C; ++c) {
        double sum = 0.0;
        for (int64_t block = 0; block < blocks; ++block) sum += parts[block * C + c];
        dbias[c] = static_cast<float>(sum);
    }
}

// ---- ASIS fusion: maximum over the nearest points in embedding space --------------------------------

// For each point the (at most) `most` nearest points with L1 distance ≤ `limit`, itself included; ties
// go to the lower index. `near` is points × most, global row numbers; the set's order is free.
template <int D>
void nearest(const float* embedding, int64_t blocks, int64_t points, int32_t most, float limit, int32_t* near, int32_t* count) {
    using Entry = std::pair<float, int32_t>;
    constexpr size_t BUFFER = 192;
    std::vector<float> columns(static_cast<size_t>(blocks) * points * D);
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t i = 0; i < points; ++i)
            for (int d = 0; d < D; ++d) columns[(b * D + d) * points + i] = embedding[(b * points + i) * D + d];
    const int64_t rows = blocks * points;
#pragma omp parallel
    {
        std::vector<float> distance(points + 16, INFINITY);
        std::vector<Entry> kept;
        kept.reserve(BUFFER + 16);
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; ++r) {
            const int64_t block = r / points;
            const float* base = columns.data() + block * D * points;
            float own[D];
            for (int d = 0; d < D; ++d) own[d] = embedding[r * D + d];
            float* to = distance.data();
            for (int64_t j = 0; j < points; ++j) {
                float sum = 0.0f;
                for (int d = 0; d < D; ++d) sum += std::fabs(base[d * points + j] - own[d]);
                to[j] = sum;
            }
            kept.clear();
            // Strictly below `bound` is accepted; a later point at the same distance loses to the earlier.
            float bound = std::nextafter(limit, INFINITY);
            auto shrink = [&] {
                std::nth_element(kept.begin(), kept.begin() + (most - 1), kept.end());
                kept.resize(most);
                bound = kept[most - 1].first;
            };
            for (int64_t j = 0; j < points; j += 16) {
#ifdef __AVX512F__
                uint32_t mask = _mm512_cmp_ps_mask(_mm512_loadu_ps(to + j), _mm512_set1_ps(bound), _CMP_LT_OQ);
#else
                uint32_t mask = 0;
                for (int i = 0; i < 16; ++i) mask |= static_cast<uint32_t>(to[j + i] < bound) << i;
#endif
                while (mask) {
                    int i = __builtin_ctz(mask);
                    mask &= mask - 1;
                    kept.emplace_back(to[j + i], static_cast<int32_t>(j + i));
                }
                if (kept.size() >= BUFFER) shrink();
            }
            if (kept.size() > static_cast<size_t>(most)) shrink();
            // A NaN embedding is near nothing: it keeps itself, as the reference's replacement does.
            if (kept.empty()) kept.emplace_back(0.0f, static_cast<int32_t>(r - block * points));
            count[r] = static_cast<int32_t>(kept.size());
            for (size_t k = 0; k < kept.size(); ++k) near[r * most + k] = static_cast<int32_t>(block * points + kept[k].second);
        }
    }
}

template <typename T, int C>
void near_maximum(const T* feature, const int32_t* near, const int32_t* count, int64_t rows, int32_t most, T* out, int32_t* winner) {
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < rows; ++r) {
        alignas(64) float best[C];
        alignas(64) int32_t from[C];
        const int32_t* list = near + r * most;
        for (int c = 0; c < C; ++c) {
            best[c] = load(feature + static_cast<int64_t>(list[0]) * C + c);
            from[c] = list[0];
        }
        for (int32_t k = 1; k < count[r]; ++k) {
            const T* row = feature + static_cast<int64_t>(list[k]) * C;
            for (int c = 0; c < C; ++c) {
                float v = load(row + c);
                bool better = v > best[c];
                best[c] = better ? v : best[c];
                from[c] = better ? list[k] : from[c];
            }
        }
        for (int c = 0; c < C; ++c) {
            store(out + r * C + c, best[c]);
            winner[r * C + c] = from[c];
        }
    }
}

template <typename T, int C>
void near_maximum_backward(const T* dout, const int32_t* winner, int64_t blocks, int64_t points, float* dfeature) {
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t block = 0; block < blocks; ++block)
        for (int64_t r = block * points; r < (block + 1) * points; ++r)
            for (int c = 0; c < C; ++c) dfeature[static_cast<int64_t>(winner[r * C + c]) * C + c] += load(dout + r * C + c);
}

}  // namespace

// Calls `function<T, C>` for the storage type and channel count asked for. Returns 1 for a channel count
// that no instance exists for, which the caller turns into an error.
#define DISPATCH_CHANNELS(CALL)                  \
    switch (channels) {                          \
        case 16: { constexpr int C = 16; CALL; return 0; }   \
        case 32: { constexpr int C = 32; CALL; return 0; }   \
        case 64: { constexpr int C = 64; CALL; return 0; }   \
        case 128: { constexpr int C = 128; CALL; return 0; } \
        case 256: { constexpr int C = 256; CALL; return 0; } \
        case 512: { constexpr int C = 512; CALL; return 0; } \
        case 1024: { constexpr int C = 1024; CALL; return 0; } \
        default: return 1;                       \
    }
#define DISPATCH(CALL)                              \
    if (half) {                                     \
        using T = bfloat16;                         \
        DISPATCH_CHANNELS(CALL)                     \
    } else {                                        \
        using T = float;                            \
        DISPATCH_CHANNELS(CALL)                     \
    }
#define IN(p) static_cast<const T*>(p)
#define OUT(p) static_cast<T*>(p)

extern "C" {

int kernel_moments(int half, int channels, const void* z, int64_t rows, float* mean, float* variance) {
    DISPATCH((moments<T, C>(IN(z), rows, mean, variance)))
}
int kernel_scale_relu(int half, int channels, const void* z, int64_t rows, const float* scale, const float* shift, void* y) {
    DISPATCH((scale_relu<T, C>(IN(z), rows, scale, shift, OUT(y))))
}
int kernel_bn_relu_backward(int half, int channels, const void* dy, const void* z, int64_t rows, const float* scale, const float* shift,
                            const float* mean, const float* inverse_std, float* dgamma, float* dbeta, void* dz) {
    DISPATCH((bn_relu_backward<T, C>(IN(dy), IN(z), rows, scale, shift, mean, inverse_std, dgamma, dbeta, OUT(dz))))
}
int kernel_group_moments(int channels, const float* source, const float* centre, const int32_t* index, int64_t points, int64_t slots,
                         float* mean, float* variance) {
    DISPATCH_CHANNELS((group_moments<C>(source, centre, index, points, slots, mean, variance)))
}
int kernel_group_relu(int half, int channels, const float* source, const float* centre, const int32_t* index, int64_t points,
                      int64_t slots, const float* scale, const float* shift, void* y) {
    DISPATCH((group_relu<T, C>(source, centre, index, points, slots, scale, shift, OUT(y))))
}
int kernel_group_backward(int half, int channels, const void* dy, const float* source, const float* centre, const int32_t* index,
                          int64_t blocks, int64_t points, int64_t slots, const float* scale, const float* shift, const float* mean,
                          const float* inverse_std, float* dgamma, float* dbeta, float* dsource, float* dcentre) {
    DISPATCH((group_backward<T, C>(IN(dy), source, centre, index, blocks, points, slots, scale, shift, mean, inverse_std, dgamma,
                                   dbeta, dsource, dcentre)))
}
int kernel_pool_forward(int half, int channels, const void* z, int64_t points, int64_t slots, const float* sign, float* mean,
                        float* variance, void* picked, uint8_t* slot) {
    DISPATCH((pool_forward<T, C>(IN(z), points, slots, sign, mean, variance, OUT(picked), slot)))
}
int kernel_pool_backward(int half, int channels, const void* dy, const void* z, const void* picked, const uint8_t* slot, int64_t points,
                         int64_t slots, const float* scale, const float* shift, const float* mean, const float* inverse_std,
                         float* dgamma, float* dbeta, void* dz) {
    DISPATCH((pool_backward<T, C>(IN(dy), IN(z), IN(picked), slot, points, slots, scale, shift, mean, inverse_std, dgamma, dbeta,
                                  OUT(dz))))
}
int kernel_interpolate_forward(int half, int channels, const void* coarse, const int32_t* index, const float* weight, const void* skip,
                               int64_t rows, void* out) {
    DISPATCH((interpolate_forward<T, C>(IN(coarse), index, weight, IN(skip), rows, OUT(out))))
}
int kernel_interpolate_backward(int half, int channels, const void* dout, const int32_t* index, const float* weight, int64_t blocks,
                                int64_t rows, float* dcoarse) {
    DISPATCH((interpolate_backward<T, C>(IN(dout), index, weight, blocks, rows, dcoarse)))
}
int kernel_weighted_sum_forward(int half, int channels, const void* weight, const float* bias, const void* feature,
                                const int32_t* index, int64_t points, int64_t slots, float* out) {
    DISPATCH((weighted_sum_forward<T, C>(IN(weight), bias, IN(feature), index, points, slots, out)))
}
int kernel_weighted_sum_backward(int half, int channels, const float* dout, const void* weight, const float* bias, const void* feature,
                                 const int32_t* index, int64_t blocks, int64_t points, int64_t slots, void* dweight, float* dbias,
                                 float* dfeature) {
    DISPATCH((weighted_sum_backward<T, C>(dout, IN(weight), bias, IN(feature), index, blocks, points, slots, OUT(dweight), dbias,
                                          dfeature)))
}
int kernel_nearest(int dimensions, const float* embedding, int64_t blocks, int64_t points, int32_t most, float limit, int32_t* near,
                   int32_t* count) {
    if (dimensions != 5) return 1;
    nearest<5>(embedding, blocks, points, most, limit, near, count);
    return 0;
}
int kernel_near_maximum(int half, int channels, const void* feature, const int32_t* near, const int32_t* count, int64_t rows,
                        int32_t most, void* out, int32_t* winner) {
    DISPATCH((near_maximum<T, C>(IN(feature), near, count, rows, most, OUT(out), winner)))
}
int kernel_near_maximum_backward(int half, int channels, const void* dout, const int32_t* winner, int64_t blocks, int64_t points,
                                 float* dfeature) {
    DISPATCH((near_maximum_backward<T, C>(IN(dout), winner, blocks, points, dfeature)))
}
}
