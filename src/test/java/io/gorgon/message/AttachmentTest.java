package io.gorgon.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Arrays: what they hold, what they refuse, and that nobody changes them. */
class AttachmentTest {

  @Test
  void arraysAreCopiedAndBuffersAreViews() {
    var values = new double[] {1, 2};
    Attachment copied = Attachment.of(values);
    values[0] = 9;
    ByteBuffer bytes = ByteBuffer.allocate(10).position(2);
    Attachment view = Attachment.of(bytes);
    bytes.put(2, (byte) 7);

    assertThat(copied.toDoubleArray()).containsExactly(1, 2);
    assertThat(view.shape()).containsExactly(8);
    assertThat(view.toByteArray()[0]).isEqualTo((byte) 7);
    assertThatThrownBy(() -> view.buffer().put((byte) 1))
        .isInstanceOf(ReadOnlyBufferException.class);
    view.buffer().get();
    view.shape()[0] = 3;
    assertThat(view.buffer().position()).isZero();
    assertThat(view.shape()).containsExactly(8);
  }

  @Test
  void elementsAreLittleEndianInTheOrderThatTheyAreGiven() {
    Attachment array = Attachment.of(new int[] {1, -2}, 2, 1);

    assertThat(array.dtype()).isEqualTo("<i4");
    assertThat(array.shape()).containsExactly(2, 1);
    assertThat(array.size()).isEqualTo(2);
    assertThat(array.buffer().get(0)).isEqualTo((byte) 1);
    assertThat(array.buffer().getInt(4)).isEqualTo(-2);
    assertThat(array.toString()).isEqualTo("Attachment[<i4 [2, 1]]");
  }

  @Test
  void integersReadAsEveryTypeThatHoldsThem() {
    Attachment array = Attachment.of(new long[] {1, Short.MAX_VALUE});

    assertThat(array.toLongArray()).containsExactly(1, 32767);
    assertThat(array.toIntArray()).containsExactly(1, 32767);
    assertThat(array.toShortArray()).containsExactly((short) 1, Short.MAX_VALUE);
    assertThat(array.toDoubleArray()).containsExactly(1, 32767);
    assertThat(Attachment.of(new byte[] {-1}).toIntArray()).containsExactly(255);
    assertThat(Attachment.of(ByteBuffer.wrap(new byte[] {-1}), "|i1", 1).toIntArray())
        .containsExactly(-1);
    assertThat(Attachment.of(ByteBuffer.wrap(new byte[] {-1, -1}), "<u2", 1).toIntArray())
        .containsExactly(65535);
  }

  @Test
  void whatDoesNotFitIsNamed() {
    Attachment large = Attachment.of(new long[] {0, (1L << 53) + 1});
    Attachment unsigned = Attachment.of(ByteBuffer.allocate(8).putLong(-1).flip(), "<u8", 1);

    assertThatThrownBy(large::toIntArray)
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("element 1")
        .hasMessageContaining("9007199254740993")
        .hasMessageContaining("int[]");
    assertThatThrownBy(large::toDoubleArray).isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(unsigned::toLongArray).hasMessageContaining("18446744073709551615");
    assertThatThrownBy(Attachment.of(new double[1])::toFloatArray)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("<f8 [1]");
    assertThatThrownBy(Attachment.of(new double[1])::toLongArray)
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(Attachment.of(new boolean[1])::toByteArray)
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(Attachment.of(new byte[1])::toBooleanArray)
        .isInstanceOf(IllegalStateException.class);
  }

  /** Bits and values from IEEE 754 binary16. */
  @ParameterizedTest
  @CsvSource({
    "0000, 0",
    "8000, -0.0",
    "3c00, 1",
    "c000, -2",
    "7bff, 65504",
    "0400, 6.103515625E-5",
    "0001, 5.9604645E-8",
    "03ff, 6.0975552E-5",
    "7c00, Infinity",
    "fc00, -Infinity",
    "7e00, NaN"
  })
  void halfFloatsAreWidened(String bits, float value) {
    int number = Integer.parseInt(bits, 16);
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {(byte) number, (byte) (number >> 8)});

    assertThat(Attachment.of(bytes, "<f2", 1).toFloatArray()).containsExactly(value);
    assertThat(Attachment.of(bytes, "<f2", 1).toDoubleArray()).containsExactly(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {">f8", "f8", "<f16", "|O", "<i3", "|i2", "<U3", "|S1", "", "<M8[", "<f8 "})
  void otherTypesAreRefused(String dtype) {
    assertThatThrownBy(() -> Attachment.of(ByteBuffer.allocate(16), dtype, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shapesThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> Attachment.of(new int[6], 2, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("24 bytes");
    assertThatThrownBy(() -> Attachment.of(new int[1], -1, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Attachment.of(new int[0], 1 << 20, 1 << 20, 1 << 20, 1 << 20))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Attachment.of(new int[0], 1 << 20, 1 << 20, 1 << 20, 0).size()).isZero();
    assertThat(Attachment.of(ByteBuffer.allocate(8), "<M8[25s]").size()).isEqualTo(1);
  }

  @Test
  void equalityIsOfTypeShapeAndBytes() {
    Attachment array = Attachment.of(new int[] {1, 2});

    assertThat(array)
        .isEqualTo(Attachment.of(new int[] {1, 2}))
        .hasSameHashCodeAs(Attachment.of(new int[] {1, 2}));
    assertThat(array).isNotEqualTo(Attachment.of(new int[] {1, 2}, 2, 1));
    assertThat(array).isNotEqualTo(Attachment.of(array.buffer(), "<u4", 2));
    assertThat(array).isNotEqualTo(Attachment.of(new int[] {1, 3}));
  }
}
