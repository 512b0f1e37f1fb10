s/<name>s0</<name>s00</
