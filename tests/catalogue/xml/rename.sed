s/<name>s1</<name>s0</
