// NumPy's random order of samples: default_rng(seed).permuted(…), bit for bit.

// Numbers of 128 bits are six parts of 24 bits, the lowest first: sums of their products are exact.
const PARTS = 6;
const PART = 2 ** 24;
const MULTIPLIER = Float64Array.of(0xccf645, 0xdf649f, 0xa44385, 0x1fc65d, 0x60ed05, 0x23);

/** Return eight numbers of 32 bits from a seed: NumPy's SeedSequence (O'Neill's seed_seq_fe). */
function seeds(seed) {
  const entropy = [];
  for (let rest = BigInt(seed); rest > 0n || !entropy.length; rest >>= 32n) entropy.push(Number(rest & 0xffffffffn));
  let constant = 0x43b0d7e5;
  const hashed = (value) => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (x, y) => {
    const value = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  for (let from = 4; from < entropy.length; from++)
    for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(entropy[from]));
  constant = 0x8b51f9dd;
  return [...Array(8).keys()].map((i) => {
    let value = (pool[i % 4] ^ constant) >>> 0;
    constant = Math.imul(constant, 0x58f38ded) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
}

/** Return the parts of a number given as words of 32 bits, the lowest first. */
const parts = ([a, b, c, d]) =>
  Float64Array.of(a & 0xffffff, (a >>> 24) | ((b & 0xffff) << 8), (b >>> 16) | ((c & 0xff) << 16), c >>> 8, d & 0xffffff, d >>> 24);

/** Return the parts with carries moved up. */
function carried(parts) {
  let carry = 0;
  return parts.map((part, i) => {
    const sum = part + carry;
    carry = Math.floor(sum / PART);
    return i < PARTS - 1 ? sum % PART : sum & 0xff;
  });
}

/** NumPy's generator: PCG64 (O'Neill, 2014). */
export class Random {
  /** @param {number|bigint} seed */
  constructor(seed) {
    const [c, d, a, b, g, h, e, f] = seeds(seed); // the upper half of each number comes first
    this.increment = parts([(e << 1) | 1, (f << 1) | (e >>> 31), (g << 1) | (f >>> 31), (h << 1) | (g >>> 31)]);
    this.state = new Float64Array(PARTS);
    this.next = new Float64Array(PARTS);
    this.step();
    const start = parts([a, b, c, d]);
    this.state.forEach((part, i) => (start[i] += part));
    this.state = carried(start);
    this.step();
    this.half = -1; // the upper half of the last number, if it is still to be used
  }

  /** Multiply the state and add the increment. */
  step() {
    const { state, next, increment } = this;
    let sum = 0;
    for (let i = 0; i < PARTS; i++) {
      sum += increment[i];
      for (let j = 0; j <= i; j++) sum += state[j] * MULTIPLIER[i - j];
      const carry = Math.floor(sum / PART);
      next[i] = sum - carry * PART;
      sum = carry;
    }
    next[PARTS - 1] &= 0xff;
    this.state = next;
    this.next = state;
  }

  /** Return 32 random bits. */
  bits() {
    if (this.half >= 0) {
      const half = this.half;
      this.half = -1;
      return half;
    }
    this.step();
    const s = this.state;
    const low = (s[0] ^ (s[1] << 24) ^ (s[2] >>> 16) ^ (s[3] << 8)) >>> 0;
    const high = ((s[1] >>> 8) ^ (s[2] << 16) ^ s[4] ^ (s[5] << 24)) >>> 0;
    const turn = s[5] >>> 2; // the upper six bits: rotate to the right
    const [first, second] = turn < 32 ? [low, high] : [high, low];
    const by = turn & 31;
    this.half = by ? ((second >>> by) | (first << (32 - by))) >>> 0 : second;
    return by ? ((first >>> by) | (second << (32 - by))) >>> 0 : first;
  }

  /** Return a whole number from 0 to `most`, by masks and rejection. */
  upTo(most) {
    const mask = most ? 0xffffffff >>> Math.clz32(most) : 0;
    for (;;) {
      const number = (this.bits() & mask) >>> 0;
      if (number <= most) return number;
    }
  }

  /** Shuffle an array in place (Fisher, Yates). */
  shuffle(array) {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.upTo(i);
      const value = array[i];
      array[i] = array[j];
      array[j] = value;
    }
    return array;
  }
}
