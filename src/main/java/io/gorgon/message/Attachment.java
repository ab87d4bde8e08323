package io.gorgon.message;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * This is an array of numbers with its type and shape, as it travels beside the JSON: in one piece,
 * in C order, little endian. In Python it is a NumPy array where NumPy can be imported, else a
 * memoryview; what comes back from Python is one of these. Immutable and thread-safe; one of a
 * borrowed reply is there until that is closed.
 *
 * <pre>{@code
 * Call.of("numpy:linalg.inv", Attachment.of(new double[] {1, 2, 3, 4}, 2, 2))
 * reply.as(Attachment.class).toDoubleArray()
 * }</pre>
 *
 * <p>Types are written as NumPy writes them: {@code |b1} booleans, {@code |i1 <i2 <i4 <i8} and
 * {@code |u1 <u2 <u4 <u8} integers, {@code <f2 <f4 <f8} floats, {@code <c8 <c16} complex numbers as
 * pairs of floats, {@code <M8[unit]} and {@code <m8[unit]} dates and spans as 64-bit counts of
 * their unit (the smallest long is "not a time").
 */
public final class Attachment {

  private static final Pattern DTYPE =
      Pattern.compile(
          "\\|([biu])(1)|<([iu])([248])|<(f)([248])|<(c)(8|16)|<([mM])(8)(\\[\\d*[A-Za-z]+])?");

  /** As many as NumPy and Python's memoryview have. */
  private static final int MOST_DIMENSIONS = 64;

  /** Beyond it a double does not hold every whole number. */
  private static final long EXACT = 1L << 53;

  private final ByteBuffer bytes;
  private final String dtype;
  private final char kind;
  private final int itemSize;
  private final int[] shape;
  private final Loan loan;

  private Attachment(ByteBuffer bytes, String dtype, int[] shape) {
    this(bytes, dtype, shape, Loan.NONE);
  }

  private Attachment(ByteBuffer bytes, String dtype, int[] shape, Loan loan) {
    Matcher parts = DTYPE.matcher(dtype);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "dtype '" + dtype + "' is unknown: use one of those in the documentation, little endian");
    }
    int group = 1;
    while (parts.group(group) == null) {
      group += 2;
    }
    this.kind = parts.group(group).charAt(0);
    this.itemSize = Integer.parseInt(parts.group(group + 1));
    this.bytes = bytes;
    this.dtype = dtype;
    this.shape = shape;
    this.loan = loan;
    if (shape.length > MOST_DIMENSIONS) {
      throw new IllegalArgumentException(
          "an array has at most " + MOST_DIMENSIONS + " dimensions, not " + shape.length);
    }
    long size = itemSize;
    for (int length : shape) {
      if (length < 0) {
        throw new IllegalArgumentException("a shape has no negative lengths: " + describe());
      }
      size = size > Integer.MAX_VALUE ? size : size * length;
    }
    if (Arrays.stream(shape).anyMatch(length -> length == 0)) {
      size = 0;
    }
    if (size != bytes.remaining()) {
      throw new IllegalArgumentException(
          bytes.remaining() + " bytes are no array " + describe() + ": that takes " + size);
    }
  }

  /**
   * Views the remaining bytes of {@code buffer} as an array of {@code dtype} and {@code shape};
   * nothing is copied, so do not write to them any more. An empty shape means a single value
   * without dimensions.
   *
   * @throws IllegalArgumentException if the type is unknown or the three do not fit each other
   */
  public static Attachment of(ByteBuffer buffer, String dtype, int... shape) {
    return new Attachment(
        buffer.slice().asReadOnlyBuffer(), Objects.requireNonNull(dtype), shape.clone());
  }

  /** Views memory that is lent. */
  static Attachment lent(ByteBuffer buffer, String dtype, int[] shape, Loan loan) {
    return new Attachment(buffer.slice().asReadOnlyBuffer(), dtype, shape, loan);
  }

  /** Views the remaining bytes of {@code buffer} as {@code |u1}; see the other method for views. */
  public static Attachment of(ByteBuffer buffer) {
    return of(buffer, "|u1", buffer.remaining());
  }

  /**
   * Copies bytes, as {@code |u1}; without a shape they are one row. To send {@code bytes} instead
   * of an array, give the {@code byte[]} itself to the call.
   */
  public static Attachment of(byte[] values, int... shape) {
    return copied(ByteBuffer.wrap(values.clone()), "|u1", values.length, shape);
  }

  /** Copies doubles, as {@code <f8}; without a shape they are one row. */
  public static Attachment of(double[] values, int... shape) {
    ByteBuffer bytes = room(values.length, Double.BYTES);
    bytes.asDoubleBuffer().put(values);
    return copied(bytes, "<f8", values.length, shape);
  }

  /** Copies floats, as {@code <f4}; without a shape they are one row. */
  public static Attachment of(float[] values, int... shape) {
    ByteBuffer bytes = room(values.length, Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return copied(bytes, "<f4", values.length, shape);
  }

  /** Copies longs, as {@code <i8}; without a shape they are one row. */
  public static Attachment of(long[] values, int... shape) {
    ByteBuffer bytes = room(values.length, Long.BYTES);
    bytes.asLongBuffer().put(values);
    return copied(bytes, "<i8", values.length, shape);
  }

  /** Copies ints, as {@code <i4}; without a shape they are one row. */
  public static Attachment of(int[] values, int... shape) {
    ByteBuffer bytes = room(values.length, Integer.BYTES);
    bytes.asIntBuffer().put(values);
    return copied(bytes, "<i4", values.length, shape);
  }

  /** Copies shorts, as {@code <i2}; without a shape they are one row. */
  public static Attachment of(short[] values, int... shape) {
    ByteBuffer bytes = room(values.length, Short.BYTES);
    bytes.asShortBuffer().put(values);
    return copied(bytes, "<i2", values.length, shape);
  }

  /** Copies booleans, as {@code |b1}; without a shape they are one row. */
  public static Attachment of(boolean[] values, int... shape) {
    ByteBuffer bytes = room(values.length, 1);
    for (int i = 0; i < values.length; i++) {
      bytes.put(i, (byte) (values[i] ? 1 : 0));
    }
    return copied(bytes, "|b1", values.length, shape);
  }

  private static ByteBuffer room(int count, int size) {
    return ByteBuffer.allocate(Math.multiplyExact(count, size)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static Attachment copied(ByteBuffer bytes, String dtype, int count, int[] shape) {
    return new Attachment(
        bytes.asReadOnlyBuffer(), dtype, shape.length == 0 ? new int[] {count} : shape.clone());
  }

  /** The type of its elements, as NumPy writes it. */
  public String dtype() {
    return dtype;
  }

  /** Its length along each dimension, outermost first; empty for a single value. A copy. */
  public int[] shape() {
    return shape.clone();
  }

  /** How many elements it has. */
  public int size() {
    return bytes.remaining() / itemSize;
  }

  /**
   * Its bytes: a read-only view of its own, little endian, from 0 to the end.
   *
   * @throws IllegalStateException if they were borrowed with a reply that is closed
   */
  public ByteBuffer buffer() {
    if (!loan.isOpen()) {
      throw new IllegalStateException(
          "the array " + describe() + " was borrowed, and its reply is closed: copy it before");
    }
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Its elements in C order, from any type of real numbers.
   *
   * @throws ArithmeticException if one of 64 bits is more than a double holds exactly
   * @throws IllegalStateException for other types
   */
  public double[] toDoubleArray() {
    ByteBuffer in = buffer();
    var values = new double[size()];
    if (dtype.equals("<f8")) {
      in.asDoubleBuffer().get(values);
    } else if (kind == 'f') {
      for (int i = 0; i < values.length; i++) {
        values[i] = itemSize == 4 ? in.getFloat(i * 4) : half(in.getShort(i * 2));
      }
    } else {
      long[] whole = whole("double[]", value -> value >= -EXACT && value <= EXACT);
      Arrays.setAll(values, i -> whole[i]);
    }
    return values;
  }

  /**
   * Its elements in C order, from floats of up to 4 bytes.
   *
   * @throws IllegalStateException for other types
   */
  public float[] toFloatArray() {
    if (kind != 'f' || itemSize > 4) {
      throw wrongType("float[]");
    }
    ByteBuffer in = buffer();
    var values = new float[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = itemSize == 4 ? in.getFloat(i * 4) : half(in.getShort(i * 2));
    }
    return values;
  }

  /**
   * Its elements in C order, from integers of any size, and from dates and spans.
   *
   * @throws ArithmeticException if an unsigned one is more than a long holds
   * @throws IllegalStateException for other types
   */
  public long[] toLongArray() {
    return whole("long[]", value -> true);
  }

  /**
   * Its elements in C order, from integers of any size.
   *
   * @throws ArithmeticException if one is more than an int holds
   * @throws IllegalStateException for other types
   */
  public int[] toIntArray() {
    long[] whole = whole("int[]", value -> value == (int) value);
    var values = new int[whole.length];
    Arrays.setAll(values, i -> (int) whole[i]);
    return values;
  }

  /** Its elements in C order, as {@link #toIntArray} but shorts. */
  public short[] toShortArray() {
    long[] whole = whole("short[]", value -> value == (short) value);
    var values = new short[whole.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (short) whole[i];
    }
    return values;
  }

  /**
   * Its bytes, from {@code |u1} (where a Java byte above 127 is negative) and {@code |i1}.
   *
   * @throws IllegalStateException for other types
   */
  public byte[] toByteArray() {
    if (itemSize != 1 || kind == 'b') {
      throw wrongType("byte[]");
    }
    return copyOfBytes();
  }

  /**
   * Its elements in C order, from {@code |b1}.
   *
   * @throws IllegalStateException for other types
   */
  public boolean[] toBooleanArray() {
    if (kind != 'b') {
      throw wrongType("boolean[]");
    }
    ByteBuffer in = buffer();
    var values = new boolean[size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.get(i) != 0;
    }
    return values;
  }

  private long[] whole(String wanted, LongPredicate fits) {
    if ("iumM".indexOf(kind) < 0) {
      throw wrongType(wanted);
    }
    ByteBuffer in = buffer();
    boolean unsigned = kind == 'u';
    var values = new long[size()];
    for (int i = 0; i < values.length; i++) {
      long value =
          switch (itemSize) {
            case 1 -> unsigned ? Byte.toUnsignedInt(in.get(i)) : in.get(i);
            case 2 -> unsigned ? Short.toUnsignedInt(in.getShort(i * 2)) : in.getShort(i * 2);
            case 4 -> unsigned ? Integer.toUnsignedLong(in.getInt(i * 4)) : in.getInt(i * 4);
            default -> in.getLong(i * 8);
          };
      if ((unsigned && value < 0) || !fits.test(value)) {
        String shown = unsigned ? Long.toUnsignedString(value) : Long.toString(value);
        throw new ArithmeticException(
            "element "
                + i
                + " of the array "
                + describe()
                + " is "
                + shown
                + ", which "
                + wanted
                + " cannot hold");
      }
      values[i] = value;
    }
    return values;
  }

  /** A float of 16 bits: IEEE 754 binary16. */
  private static float half(short bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    float size =
        switch (exponent) {
          case 0 -> fraction * 0x1p-24f;
          case 31 -> fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
          default -> Math.scalb(1 + fraction / 1024f, exponent - 15);
        };
    return bits < 0 ? -size : size;
  }

  private byte[] copyOfBytes() {
    var copy = new byte[bytes.remaining()];
    buffer().get(copy);
    return copy;
  }

  char kind() {
    return kind;
  }

  private IllegalStateException wrongType(String wanted) {
    return new IllegalStateException(
        "the array " + describe() + " does not read as " + wanted + ": use what fits its dtype");
  }

  private String describe() {
    return dtype + " " + Arrays.toString(shape);
  }

  /** Equal in type, shape and every byte. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Attachment that
        && dtype.equals(that.dtype)
        && Arrays.equals(shape, that.shape)
        && buffer().equals(that.buffer());
  }

  @Override
  public int hashCode() {
    return 31 * (31 * dtype.hashCode() + Arrays.hashCode(shape)) + buffer().hashCode();
  }

  /** Prints type and shape, never the elements. */
  @Override
  public String toString() {
    return "Attachment[" + describe() + "]";
  }
}
