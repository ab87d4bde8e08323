package io.gorgon.proving;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/** Says which layer a test needs; where that is not there, the test is skipped and says why. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(LayerCondition.class)
public @interface NeedsLayer {
  Layer value();

  /** Whether it also needs pools, which {@code TEST_POOLING=off} switches off. */
  boolean pooling() default true;
}
