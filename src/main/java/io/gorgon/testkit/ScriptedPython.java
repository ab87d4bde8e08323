package io.gorgon.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Gives tests a pool over scripted Python, in virtual time: {@link GorgonTestKit#scripted}. On a
 * class, its tests share one; on a test, that test has its own. It is closed behind the class, or
 * the test, which fails if something was left over. What can be injected: see {@link
 * GorgonExtension}.
 *
 * <pre>{@code
 * @ScriptedPython
 * class PricesTest {
 *   @Test void asksPython(ScriptedPool python) { ... }
 * }
 * }</pre>
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@ExtendWith(GorgonExtension.class)
public @interface ScriptedPython {

  /** Lines of config, keys of {@code gorgon.pools.NAME}. */
  String[] config() default {};

  /** What decides the order in which actors take turns; 0 for that of this run. */
  long seed() default 0;
}
